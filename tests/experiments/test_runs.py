"""Sweeps that run: cells, stages, checkpoints, tables."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from filelock import FileLock

from geo_noisy.experiments.grids.grid import fingerprint, read_grid
from geo_noisy.experiments.judging.statistics import macro_f1
from geo_noisy.experiments.running import stages
from geo_noisy.experiments.running.checkpoints import read_weights
from geo_noisy.experiments.running.stages import pretrain, probe
from geo_noisy.experiments.running.sweep import run_grid
from geo_noisy.experiments.table import add_row, read_table
from geo_noisy.main import main
from geo_noisy.tasks.features import FeatureStore
from tests.experiments.grids import tiny_grid


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


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
            {'name': 'fine', 'pretrain': None},
        ]
        table = run_grid(read_grid(tiny_grid(tmp_path, cells=cells, seeds=[0])), tmp_path)
        assert table['error'].isna().tolist() == [False, True]
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
        assert not (tmp_path / '.features').exists()
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

    def test_a_policy_that_the_data_module_chooses_is_in_the_row(self, tmp_path: Path) -> None:
        cells = [{'name': 'w', 'pretrain': 'within-image', 'set': {'pretrain.data.init_args.policy': None}}]
        row = run_grid(read_grid(tiny_grid(tmp_path, cells=cells, seeds=[0])), tmp_path).iloc[0]
        assert row[['r_pairs', 'match']].tolist() == [0.0, 'draw']  # of VTS
        assert json.loads(row['config'])['pretrain']['data']['init_args']['policy']['unknown'] == 'error'

    def test_one_sweep_at_a_time_in_a_folder(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with FileLock(tmp_path / '.lock'):
            assert main(['sweep', str(tiny_grid(tmp_path)), '--output', str(tmp_path)]) == 2
        assert 'Another sweep is running in' in capsys.readouterr().err

    def test_what_a_user_keeps_in_the_folder_stays(self, tmp_path: Path) -> None:
        for name in ('features', '.features'):
            (tmp_path / name).mkdir()
            (tmp_path / name / 'mine.txt').write_text('mine')
        axes = {'probe.model.init_args.lr': [0.001, 0.01]}
        run_grid(
            read_grid(tiny_grid(tmp_path, cells=[{'name': 'r', 'pretrain': None, 'axes': axes}], seeds=[0])), tmp_path
        )
        for name in ('features', '.features'):
            assert [path.name for path in (tmp_path / name).iterdir()] == ['mine.txt']

    def test_checkpoints_that_are_not_whole(self, tmp_path: Path) -> None:
        """Cut anywhere, text, or another's file: told, and the pretraining starts anew."""
        config = read_grid(tiny_grid(tmp_path, cells=[{'name': 'w', 'pretrain': 'within-image'}]))[0].pretrain
        assert config is not None
        whole, facts = pretrain(config, tmp_path / 'whole')
        content = whole.read_bytes()
        last = tmp_path / 'half' / 'checkpoints' / 'last.ckpt'
        last.parent.mkdir(parents=True)
        torch.save({'weights': torch.zeros(1)}, tmp_path / 'other.pt')
        damaged = [content[: len(content) // 2], content[:-1], b'text', b'', (tmp_path / 'other.pt').read_bytes()]
        damaged += [content[:size] for size in (1, 4, 1000, 60_000)]
        for part in damaged:
            last.write_bytes(part)
            with pytest.warns(UserWarning, match=r'last\.ckpt'):
                assert read_weights(last) is None
        with pytest.warns(UserWarning, match='starts anew'):
            _, again = pretrain(config, tmp_path / 'half')
        assert again['metrics'] == facts['metrics']
        (tmp_path / 'half' / 'checkpoints' / 'last.ckpt').write_bytes(content[:1000])  # of a run that ended
        with pytest.warns(UserWarning, match='starts anew'):
            _, again = pretrain(config, tmp_path / 'half')
        assert again['metrics'] == facts['metrics']

    def test_code_in_a_checkpoint_is_not_run(self, tmp_path: Path) -> None:
        config = read_grid(tiny_grid(tmp_path, cells=[{'name': 'w', 'pretrain': 'within-image'}]))[0].pretrain
        assert config is not None
        last = tmp_path / 'run' / 'checkpoints' / 'last.ckpt'
        last.parent.mkdir(parents=True)
        torch.save({'state_dict': {}, 'x': Touch(tmp_path / 'touched')}, last)
        with pytest.warns(UserWarning, match='holds more than weights'):
            assert pretrain(config, tmp_path / 'run')[0].exists()
        assert not (tmp_path / 'touched').exists()

    def test_code_that_comes_after_the_check_is_not_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        config = read_grid(tiny_grid(tmp_path, cells=[{'name': 'w', 'pretrain': 'within-image'}]))[0].pretrain
        assert config is not None
        pretrain(config, tmp_path / 'run')
        (tmp_path / 'run' / stages.DONE).unlink()
        monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')  # as many a forum advises

        def _replace_after(path: Path) -> Any:
            weights = read_weights(path)
            torch.save({'state_dict': {}, 'code': Touch(tmp_path / 'ran')}, path)
            return weights

        monkeypatch.setattr(stages, 'read_weights', _replace_after)
        with pytest.raises(pickle.UnpicklingError):
            pretrain(config, tmp_path / 'run')
        assert not (tmp_path / 'ran').exists()

    def test_weights_that_are_no_numbers_give_no_score(self, tmp_path: Path) -> None:
        cells = read_grid(tiny_grid(tmp_path, cells=[{'name': 'w', 'pretrain': 'within-image'}], seeds=[0]))
        assert cells[0].pretrain is not None
        best, _ = pretrain(cells[0].pretrain, tmp_path / 'pretrain' / cells[0].pretrain_key)
        checkpoint = torch.load(best, weights_only=True)
        first = next(name for name in checkpoint['state_dict'] if name.endswith('weight'))
        checkpoint['state_dict'][first][0] = float('nan')
        torch.save(checkpoint, best)
        row = run_grid(cells, tmp_path).iloc[0]
        assert f'values of {first} are NaN or infinite: training diverged' in row['error']
        assert 'test_f1_macro' not in row

    def test_a_stopped_pretraining_goes_on(self, tmp_path: Path) -> None:
        config = read_grid(tiny_grid(tmp_path, cells=[{'name': 'w', 'pretrain': 'within-image'}]))[0].pretrain
        assert config is not None
        pretrain(config, tmp_path / 'run')
        (tmp_path / 'run' / 'done.json').unlink()
        config['trainer']['max_epochs'] = 2  # as if stopped after the first of two
        with pytest.warns(UserWarning, match='The schedule of the learning rate ran over 4 steps'):
            pretrain(config, tmp_path / 'run')
        assert pd.read_csv(tmp_path / 'run' / 'version_1' / 'metrics.csv')['epoch'].min() == 1

    def test_a_checkpoint_that_is_gone_is_made_again(self, tmp_path: Path) -> None:
        config = read_grid(tiny_grid(tmp_path, cells=[{'name': 'w', 'pretrain': 'within-image'}]))[0].pretrain
        assert config is not None
        path, _ = pretrain(config, tmp_path / 'run')
        for file in path.parent.iterdir():
            file.unlink()
        with pytest.warns(UserWarning, match='lacks a whole checkpoint of its run: this pretraining starts anew'):
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
