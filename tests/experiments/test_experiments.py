"""Grids, runs, tables and comparisons."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from filelock import FileLock
from scipy import stats

from geo_noisy.experiments.factors import describe
from geo_noisy.experiments.figures import plot_scores
from geo_noisy.experiments.grid import fingerprint, read_comparisons, read_grid, set_path
from geo_noisy.experiments.stages import build_trainer, pretrain, probe, quiet
from geo_noisy.experiments.statistics import Interval, macro_f1, paired_points
from geo_noisy.experiments.sweep import feature_key, run_grid
from geo_noisy.experiments.table import add_row, read_table
from geo_noisy.main import main
from geo_noisy.tasks.features import FeatureStore

SWEEPS = sorted((Path(__file__).parents[2] / 'configs' / 'sweeps').glob('*.yaml'))
DEMO = Path(__file__).parents[2] / 'geo_noisy' / 'experiments' / 'demo.yaml'


def tiny_grid(folder: Path, **changes: Any) -> Path:
    """The demo's grid, cut down to seconds."""
    grid = yaml.safe_load(DEMO.read_text())
    grid['seeds'] = [0, 1]
    grid['shared'] |= {'data.init_args.train_count': 32, 'data.init_args.val_count': 16, 'trainer.max_epochs': 1}
    grid['shared'] |= {'data.init_args.size_px': 16, 'data.init_args.batch_size': 8}
    grid['shared'] |= {'model.init_args.model': 'tu-test_resnet'}
    grid['pretrain']['moco']['model']['init_args']['queue_size'] = 16
    grid['probe']['data']['init_args']['test_count'] = 16
    grid |= changes
    path = folder / 'grid.yaml'
    path.write_text(yaml.safe_dump(grid))
    return path


class TestGrid:
    def test_demo(self) -> None:
        cells = read_grid(DEMO)
        assert len(cells) == 15
        assert len({cell.key for cell in cells}) == 15
        rates = {cell.name: cell.pretrain['data']['init_args']['policy']['rate'] for cell in cells if cell.pretrain}
        assert rates['MoCo, all pairs noisy'] == 1.0
        assert rates['MoCo, no noisy pairs'] == 0.0
        assert {cell.probe['seed_everything'] for cell in cells} == {0, 1, 2}
        assert all(cell.probe['data']['init_args']['size_px'] == 32 for cell in cells)

    def test_axes_are_crossed(self, tmp_path: Path) -> None:
        axes = {'pretrain.data.init_args.r_img': [0.5, 1.0], 'probe.trainer.max_epochs': [1, 2]}
        cells = read_grid(tiny_grid(tmp_path, cells=[{'name': 'w', 'pretrain': 'within-image', 'axes': axes}]))
        assert len(cells) == 8
        assert {cell.name for cell in cells} == {f'w, r_img={r}, max_epochs={e}' for r in (0.5, 1.0) for e in (1, 2)}
        assert len({cell.pretrain_key for cell in cells}) == 4  # two noise levels, two seeds: the probes share them

    def test_both_stages_at_once(self, tmp_path: Path) -> None:
        cells = [{'name': 'w', 'pretrain': 'within-image', 'set': {'both.model.init_args.model': 'resnet34'}}]
        cell = read_grid(tiny_grid(tmp_path, cells=cells))[0]
        assert cell.pretrain is not None
        assert {stage['model']['init_args']['model'] for stage in (cell.pretrain, cell.probe)} == {'resnet34'}

    def test_what_features_depend_on(self, tmp_path: Path) -> None:
        axes = {
            'probe.model.init_args.lr': [0.1, 0.2],  # of the head alone
            'checkpoint': ['best', 'last'],
            'probe.data.init_args.label_fraction': [0.5, 1.0],
            'probe.trainer.precision': ['32-true', 'bf16-true'],
        }
        cells = [{'name': 'w', 'pretrain': 'within-image', 'axes': axes}]
        keys = [feature_key(cell) for cell in read_grid(tiny_grid(tmp_path, cells=cells))]
        assert len(keys) == 32
        assert len(set(keys)) == 16  # two seeds, and every axis but the first
        cells = [{'name': 'r', 'pretrain': None, 'axes': {'probe.model.init_args.calibrate_batch_norm': [True, False]}}]
        assert len({feature_key(cell) for cell in read_grid(tiny_grid(tmp_path, cells=cells))}) == 4

    def test_the_seed_is_that_of_both_stages_and_their_data(self) -> None:
        for cell in read_grid(DEMO):
            stages = [stage for stage in (cell.pretrain, cell.probe) if stage]
            assert {stage['seed_everything'] for stage in stages} == {cell.seed}
            assert {stage['data']['init_args']['seed'] for stage in stages} == {cell.seed}

    def test_seeds_come_one_after_the_other(self, tmp_path: Path) -> None:
        cells = [{'name': 'a', 'pretrain': None}, {'name': 'b', 'pretrain': 'moco', 'seeds': [1, 7]}]
        order = [(cell.name, cell.seed) for cell in read_grid(tiny_grid(tmp_path, cells=cells))]
        assert order == [('a', 0), ('a', 1), ('b', 1), ('b', 7)]

    @pytest.mark.parametrize('path', SWEEPS, ids=lambda path: path.stem)
    def test_grids_that_come_with_the_project(self, path: Path, tmp_path: Path) -> None:
        cells = read_grid(path)
        read_comparisons(path)
        costs = re.search(r'# Costs: +(\d+) cells( a seed)?', path.read_text())
        assert costs is not None
        assert int(costs[1]) == len(cells) // (len({cell.seed for cell in cells}) if costs[2] else 1)
        stages = [stage for cell in cells if not cell.optional for stage in (cell.pretrain, cell.probe) if stage]
        different = {str(sorted(_paths(stage))): stage for stage in stages}
        for stage in different.values():
            with quiet():
                build_trainer(stage, tmp_path)  # every key is known

    def test_stage_from_a_file(self, tmp_path: Path) -> None:
        stage = yaml.safe_load(DEMO.read_text())['pretrain']['moco']
        (tmp_path / 'moco.yaml').write_text(yaml.safe_dump(stage))
        grid = tiny_grid(tmp_path, pretrain={'m': 'moco.yaml'}, cells=[{'name': 'm', 'pretrain': 'm'}])
        assert read_grid(grid)[0].pretrain['model']['class_path'] == 'geo_noisy.tasks.MomentumContrast'

    @pytest.mark.parametrize(
        ('changes', 'message'),
        [
            ({'seed': [1]}, r"unknown keys \['seed'\]"),
            ({'cells': [{'name': 'x', 'pretrain': 'nothing'}]}, 'pretrain stage among'),
            ({'cells': [{'pretrain': None}]}, 'needs a name'),
            ({'cells': [{'name': 'x', 'pretrain': None, 'set': {'pretrain.a': 1}}]}, r"sets \['pretrain\.a'\]"),
            ({'cells': [{'name': 'x', 'pretrain': None}, {'name': 'y', 'pretrain': None}]}, 'same configuration'),
            ({'pretrain': {'m': 'none.yaml'}}, r'no stage file .*none\.yaml'),
            ({'cells': [{'name': 'x', 'pretrain': None, 'rate': 1}]}, r"unknown keys \['rate'\]"),
            ({'seeds': 3}, 'seeds is 3; give a list'),
            ({'cells': ['x']}, "cell 'x' is no mapping"),
            ({'cells': [{'name': 'x', 'pretrain': None, 'seeds': []}]}, r"seeds of cell 'x' is \[\]"),
            ({'cells': [{'name': 'x', 'pretrain': None, 'axes': {'probe.a': 'none'}}]}, r"axis probe\.a .* is 'none'"),
            (
                {'cells': [{'name': 'x', 'pretrain': None, 'set': {'probe': {'a': 1}}}]},
                r"sets \['probe'\]; give dotted",
            ),
            ({'cells': [{'name': 'x', 'pretrain': None, 'set': {'probe.seed_everything': 1}}]}, 'seeds come from'),
            ({'probe': {'model': {}}}, 'give model and data with a class_path'),
            ({'cells': [{'name': 'x', 'pretrain': None, 'set': {'checkpoint': 'first'}}]}, "checkpoint 'first'"),
        ],
    )
    def test_bad_grids(self, changes: dict[str, Any], message: str, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=message):
            read_grid(tiny_grid(tmp_path, **changes))

    @pytest.mark.parametrize('text', ['', '[1]', 'a: [', 'word'])
    def test_not_a_grid(self, text: str, tmp_path: Path) -> None:
        (tmp_path / 'grid.yaml').write_text(text)
        with pytest.raises(ValueError, match=r'grid\.yaml (is not YAML|holds no keys)'):
            read_grid(tmp_path / 'grid.yaml')

    def test_comparisons_name_cells(self, tmp_path: Path) -> None:
        assert len(read_comparisons(DEMO)) == 6
        with pytest.raises(ValueError, match=r"compare names \['nobody'\]"):
            read_comparisons(tiny_grid(tmp_path, compare=[['nobody', 'random encoder']]))

    def test_set_path(self) -> None:
        config: dict[str, Any] = {'a': {'b': 1}}
        set_path(config, 'a.c.d', 2)
        assert config == {'a': {'b': 1, 'c': {'d': 2}}}


class TestTable:
    def test_a_row_replaces_an_older_one(self, tmp_path: Path) -> None:
        for value in (1, 2):
            add_row(tmp_path, {'key': 'k', 'name': 'n', 'seed': 0, 'value': value})
        add_row(tmp_path, {'key': 'l', 'name': 'n', 'seed': 1, 'value': 3})
        assert read_table(tmp_path)['value'].tolist() == [2, 3]
        assert read_table(tmp_path)['seed'].dtype == int
        assert pd.read_csv(tmp_path / 'results.csv')['value'].tolist() == [2, 3]
        assert {path.name for path in tmp_path.iterdir()} == {'results.parquet', 'results.csv'}

    def test_read_while_a_sweep_writes(self, tmp_path: Path) -> None:
        add_row(tmp_path, {'key': 'k', 'name': 'n', 'seed': 0})

        def write() -> None:
            for size in range(1, 80):
                add_row(tmp_path, {'key': 'k', 'name': 'n' * 997 * size, 'seed': 0})

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            while not writing.done():
                assert read_table(tmp_path)['key'].tolist() == ['k']
        writing.result()

    def test_folders_may_have_dots(self, tmp_path: Path) -> None:
        add_row(tmp_path / 'v1.0', {'key': 'k', 'name': 'n', 'seed': 0})
        assert len(read_table(tmp_path / 'v1.0')) == 1
        assert read_table(tmp_path / 'v2.0').empty


class TestFactors:
    def probe(self, **model: Any) -> dict[str, Any]:
        return {'model': {'init_args': model}, 'data': {'class_path': 'x.VTSSegmentationDataModule', 'init_args': {}}}

    @pytest.mark.parametrize(
        ('model', 'name'),
        [
            ({'calibrate_batch_norm': True}, 'random encoder'),
            ({}, 'random encoder, uncalibrated'),
            ({'weights': True}, 'ImageNet'),
            ({'weights': True, 'freeze': False}, 'ImageNet, fine-tuned'),
            ({'freeze': False}, 'supervised'),
        ],
    )
    def test_baselines(self, model: dict[str, Any], name: str) -> None:
        assert describe(None, self.probe(**model))['loss'] == name

    def test_what_a_data_module_takes_by_itself(self) -> None:
        pretrain = {
            'model': {'class_path': 'x.MomentumContrast', 'init_args': {'loss': 'rince'}},
            'data': {'class_path': 'x.VTSPairsDataModule', 'init_args': {'policy': None, 'r_img': 0.5}},
        }
        found = describe(pretrain, self.probe())
        assert (found['loss'], found['r_pairs'], found['r_img'], found['match']) == ('RINCE', 0.0, None, 'draw')
        pretrain['data']['class_path'] = 'x.XBDPairsDataModule'
        assert describe(pretrain, self.probe())['r_pairs'] is None  # as it comes

    def test_options_of_a_cell(self) -> None:
        policy = {'rate': 0.5, 'match': 'fixed-size', 'mere_exposure': True}
        pretrain = {
            'model': {'class_path': 'x.DenseContrast', 'init_args': {'loss': 'cross'}},
            'data': {'class_path': 'x.VTSPairsDataModule', 'init_args': {'policy': policy, 'r_img': 0.25}},
        }
        probe = self.probe(model='resnet50', freeze=False)
        probe['data']['init_args'] = {'label_fraction': 0.1, 'noise': 'none'}
        assert describe(pretrain, probe, checkpoint='last') == {
            'data': 'VTS',
            'loss': 'cross-image',
            'r_pairs': 0.5,
            'r_img': 0.25,
            'mere_exposure': True,
            'match': 'fixed-size',
            'encoder': 'resnet50',
            'fine_tuned': True,
            'label_fraction': 0.1,
            'downstream_noise': 'none',
            'checkpoint': 'last',
        }


class TestStatistics:
    def table(self) -> pd.DataFrame:
        rows = [('a', s, v) for s, v in enumerate([0.5, 0.6, 0.55])] + [
            ('b', s, v) for s, v in enumerate([0.4, 0.45, 0.5])
        ]
        return pd.DataFrame(rows, columns=['name', 'seed', 'test_f1_macro'])

    def test_against_scipy(self) -> None:
        points = paired_points(self.table(), 'a', 'b', metric='test_f1_macro')
        difference = Interval.of(points.to_numpy())
        expected = stats.ttest_rel([50, 60, 55], [40, 45, 50]).confidence_interval(0.95)
        assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high))
        assert difference.mean == pytest.approx(10)
        assert difference.verdict == 'too short to conclude'
        assert Interval.of(points.to_numpy(), confidence=0.8).verdict == 'better'
        assert Interval.of(-points.to_numpy(), confidence=0.8).verdict == 'worse'

    def test_only_shared_seeds_count(self) -> None:
        table = self.table()
        part = table[~((table['name'] == 'b') & (table['seed'] == 0))]
        assert list(paired_points(part, 'a', 'b', metric='test_f1_macro').index) == [1, 2]

    def test_no_shared_seed(self) -> None:
        with pytest.raises(ValueError, match="'a' and 'c' share no seed"):
            paired_points(self.table(), 'a', 'c', metric='test_f1_macro')

    def test_figure_holds_every_score(self) -> None:
        axes = plot_scores(self.table()).axes[0]
        drawn = np.concatenate([collection.get_offsets()[:, 0] for collection in axes.collections])
        assert sorted(drawn) == pytest.approx([40, 45, 50, 50, 55, 60])


def _paths(config: Any, prefix: str = '') -> list[str]:
    """Every dotted path of a configuration, with class names."""
    if not isinstance(config, dict):
        return [f'{prefix}={config}' if prefix.endswith('class_path') else prefix]
    return [path for key, value in config.items() for path in _paths(value, f'{prefix}.{key}')]


@pytest.mark.slow
class TestRuns:
    def test_from_nothing_and_again(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        words = ['sweep', str(tiny_grid(tmp_path)), '--output', str(tmp_path / 'run')]
        assert main(words) == 0
        out = capsys.readouterr().out
        assert 'Paired differences in points' in out
        table = read_table(tmp_path / 'run')
        assert len(table) == 10
        assert table['error'].isna().all()
        assert table['test_f1_macro'].between(0, 1).all()
        assert {'figures', 'report.md', 'results.csv'} <= {path.name for path in (tmp_path / 'run').iterdir()}
        config = json.loads(table['config'][2])
        assert config['pretrain']['model']['class_path'] == 'geo_noisy.tasks.DenseContrast'
        ended = table['ended'].tolist()
        assert main(words) == 0
        assert read_table(tmp_path / 'run')['ended'].tolist() == ended  # nothing is done twice

    def test_rows_of_an_older_grid_do_not_count(self, tmp_path: Path) -> None:
        for epochs in (1, 2):
            cells = [{'name': 'n', 'pretrain': None, 'set': {'probe.trainer.max_epochs': epochs}}]
            table = run_grid(read_grid(tiny_grid(tmp_path, cells=cells, seeds=[0])), tmp_path)
            assert len(table) == 1
        assert len(read_table(tmp_path)) == 2

    def test_the_last_checkpoint_is_probed_where_asked(self, tmp_path: Path) -> None:
        cells = [{'name': 'c', 'pretrain': 'within-image', 'axes': {'checkpoint': ['best', 'last']}}]
        run_grid(read_grid(tiny_grid(tmp_path, cells=cells, seeds=[0])), tmp_path)
        configs = [path.read_text() for path in tmp_path.glob('probe/*/config.yaml')]
        assert sorted('last.ckpt' in config for config in configs) == [False, True]
        assert len(list(tmp_path.glob('pretrain/*'))) == 1  # of both

    def test_a_failed_cell_does_not_stop_the_others(self, tmp_path: Path) -> None:
        cells = [
            {'name': 'broken', 'pretrain': None, 'set': {'probe.data.init_args.cells': 5}},
            {'name': 'unknown option', 'pretrain': None, 'set': {'probe.model.init_args.nothing': 5}},
            {'name': 'fine', 'pretrain': None},
        ]
        table = run_grid(read_grid(tiny_grid(tmp_path, cells=cells, seeds=[0])), tmp_path)
        assert table['error'].isna().tolist() == [False, False, True]
        assert 'cells is 5' in table['error'][0]

    def test_a_failed_cell_is_tried_again(self, tmp_path: Path) -> None:
        cells = read_grid(tiny_grid(tmp_path, cells=[{'name': 'r', 'pretrain': None}], seeds=[0]))
        add_row(tmp_path, {'key': cells[0].key, 'name': 'r', 'seed': 0, 'error': 'OSError: disk full'})
        assert run_grid(cells, tmp_path)['error'].isna().tolist() == [True]

    def test_the_best_epoch_of_a_probe_is_tested(self, tmp_path: Path) -> None:
        config = read_grid(tiny_grid(tmp_path, cells=[{'name': 'r', 'pretrain': None}], seeds=[0]))[0].probe
        config['model']['init_args'] |= {'model': 'resnet18', 'lr': 0.03}
        losses = []
        for mode in ('min', 'max'):
            best = {'class_path': 'geo_noisy.tasks.BestCheckpoint', 'init_args': {'monitor': 'val_loss', 'mode': mode}}
            config['trainer'] |= {'max_epochs': 3, 'callbacks': [best]}
            losses.append(probe(config, tmp_path / mode, None)['metrics']['test_loss'])
        assert losses[0] < losses[1]

    def test_optional_cells_may_fail(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        broken = {'name': 'broken', 'pretrain': None, 'set': {'probe.data.init_args.cells': 5}}
        for optional, status in ((True, 0), (False, 1)):
            grid = tiny_grid(
                tmp_path,
                cells=[broken | {'optional': optional}, {'name': 'fine', 'pretrain': None}],
                seeds=[0],
                compare=[],
            )
            assert main(['sweep', str(grid), '--output', str(tmp_path / 'run')]) == status
        assert 'Left out, as the grid allows: broken (ValueError: cells is 5' in capsys.readouterr().out

    def test_features_are_worked_out_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        encoded: list[tuple[Path, str]] = []
        keep = FeatureStore._keep
        monkeypatch.setattr(
            FeatureStore,
            '_keep',
            lambda self, folder, name: (encoded.append((folder, name)), keep(self, folder, name)),
        )
        axes = {'probe.model.init_args.lr': [0.001, 0.01]}
        cells = [{'name': 'w', 'pretrain': 'within-image', 'axes': axes}, {'name': 'r', 'pretrain': None}]
        table = run_grid(read_grid(tiny_grid(tmp_path, cells=cells, seeds=[0])), tmp_path)
        assert [name for _, name in encoded] == ['train', 'val', 'test']  # for two cells; the third needs no other's
        assert table['test_loss'].nunique() == 3
        assert not (tmp_path / 'features').exists()
        alone = run_grid(read_grid(tiny_grid(tmp_path, cells=cells, seeds=[0]))[1:2], tmp_path / 'alone')
        assert alone['test_loss'][0] == table['test_loss'][1]  # shared or not, the same numbers

    def test_what_a_row_holds(self, tmp_path: Path) -> None:
        cells = [{'name': 'w', 'pretrain': 'within-image', 'set': {'pretrain.data.init_args.policy.rate': 1.0}}]
        row = run_grid(read_grid(tiny_grid(tmp_path, cells=cells, seeds=[0])), tmp_path).iloc[0]
        assert row['code'].startswith('0.1.0+')
        assert len(row['code'].split('+')[1]) == 12
        assert {'torch', 'torchgeo'} <= set(json.loads(row['versions']))
        config = json.loads(row['config'])
        assert config['pretrain']['model']['init_args']['temperature'] == 0.07  # a default: the config is resolved
        assert str(tmp_path) not in row['config']
        assert row['config_hash'] == fingerprint(config)
        factors = row[['data', 'loss', 'r_pairs', 'r_img', 'mere_exposure', 'match']].tolist()
        assert factors == ['VTS', 'within-image', 1.0, 0.5, False, 'draw']
        outcomes = np.stack(row['test_outcomes'])
        assert outcomes.shape == (16, 9)
        assert outcomes.sum() == 16 * 16 * 16  # every pixel of every test image
        pooled = outcomes.sum(axis=0).reshape(3, 3)
        assert macro_f1(pooled) == pytest.approx(row['test_f1_macro'], abs=1e-6)

    def test_one_sweep_at_a_time_in_a_folder(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with FileLock(tmp_path / '.lock'):
            assert main(['sweep', str(tiny_grid(tmp_path)), '--output', str(tmp_path)]) == 2
        assert 'Another sweep is running in' in capsys.readouterr().err

    def test_a_checkpoint_that_is_not_whole_is_not_gone_on_from(self, tmp_path: Path) -> None:
        config = read_grid(tiny_grid(tmp_path, cells=[{'name': 'w', 'pretrain': 'within-image'}]))[0].pretrain
        assert config is not None
        whole, facts = pretrain(config, tmp_path / 'whole')
        half = tmp_path / 'half' / 'checkpoints' / 'last.ckpt'
        half.parent.mkdir(parents=True)
        half.write_bytes(whole.read_bytes()[:1000])
        with pytest.warns(UserWarning, match='is not whole'):
            _, again = pretrain(config, tmp_path / 'half')
        assert again['metrics'] == facts['metrics']

    def test_a_stopped_pretraining_goes_on(self, tmp_path: Path) -> None:
        config = read_grid(tiny_grid(tmp_path, cells=[{'name': 'w', 'pretrain': 'within-image'}]))[0].pretrain
        assert config is not None
        pretrain(config, tmp_path / 'run')
        (tmp_path / 'run' / 'done.json').unlink()
        config['trainer']['max_epochs'] = 2  # as if stopped after the first of two
        pretrain(config, tmp_path / 'run')
        assert pd.read_csv(tmp_path / 'run' / 'version_1' / 'metrics.csv')['epoch'].min() == 1

    def test_a_checkpoint_that_is_gone_is_made_again(self, tmp_path: Path) -> None:
        config = read_grid(tiny_grid(tmp_path, cells=[{'name': 'w', 'pretrain': 'within-image'}]))[0].pretrain
        assert config is not None
        path, _ = pretrain(config, tmp_path / 'run')
        for file in path.parent.iterdir():
            file.unlink()
        assert pretrain(config, tmp_path / 'run')[0].exists()

    def test_a_run_folder_may_be_moved(self, tmp_path: Path) -> None:
        config = read_grid(tiny_grid(tmp_path, cells=[{'name': 'w', 'pretrain': 'within-image'}]))[0].pretrain
        assert config is not None
        best, facts = pretrain(config, tmp_path / 'run')
        (tmp_path / 'run' / 'done.json').unlink()  # as if killed just before its end
        (tmp_path / 'run').rename(tmp_path / 'elsewhere')
        moved, again = pretrain(config, tmp_path / 'elsewhere')
        assert moved == tmp_path / 'elsewhere' / best.relative_to(tmp_path / 'run')
        assert again['metrics'] == facts['metrics']
