"""Grids, runs, tables and comparisons."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from geo_noisy.experiments.figures import plot_scores
from geo_noisy.experiments.grid import read_comparisons, read_grid, set_path
from geo_noisy.experiments.statistics import paired_difference
from geo_noisy.experiments.sweep import run_grid
from geo_noisy.experiments.table import add_row, read_table
from geo_noisy.main import main

DEMO = Path(__file__).parents[2] / 'geo_noisy' / 'experiments' / 'demo.yaml'


def tiny_grid(folder: Path, **changes: Any) -> Path:
    """The demo's grid, cut down to seconds."""
    grid = yaml.safe_load(DEMO.read_text())
    grid['seeds'] = [0, 1]
    grid['shared'] |= {'data.init_args.train_count': 32, 'data.init_args.val_count': 16, 'trainer.max_epochs': 1}
    grid['shared'] |= {'data.init_args.size_px': 16, 'data.init_args.batch_size': 8}
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
            ({'cells': [{'name': 'x', 'pretrain': None, 'checkpoint': 'first'}]}, "checkpoint 'first'"),
        ],
    )
    def test_bad_grids(self, changes: dict[str, Any], message: str, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=message):
            read_grid(tiny_grid(tmp_path, **changes))

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
            add_row(tmp_path, {'key': 'k', 'seed': 0, 'value': value})
        add_row(tmp_path, {'key': 'l', 'seed': 1, 'value': 3})
        assert read_table(tmp_path)['value'].tolist() == [2, 3]
        assert read_table(tmp_path)['seed'].dtype == int
        assert pd.read_csv(tmp_path / 'results.csv')['value'].tolist() == [2, 3]
        assert {path.name for path in tmp_path.iterdir()} == {'results.parquet', 'results.csv'}


class TestStatistics:
    def table(self) -> pd.DataFrame:
        rows = [('a', s, v) for s, v in enumerate([0.5, 0.6, 0.55])] + [
            ('b', s, v) for s, v in enumerate([0.4, 0.45, 0.5])
        ]
        return pd.DataFrame(rows, columns=['name', 'seed', 'test_f1_macro'])

    def test_against_scipy(self) -> None:
        difference = paired_difference(self.table(), 'a', 'b')
        expected = stats.ttest_rel([50, 60, 55], [40, 45, 50]).confidence_interval(0.95)
        assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high))
        assert difference.mean == pytest.approx(10)
        assert difference.verdict == 'too short to conclude'
        assert paired_difference(self.table(), 'a', 'b', confidence=0.8).verdict == 'better'
        assert paired_difference(self.table(), 'b', 'a', confidence=0.8).verdict == 'worse'

    def test_only_shared_seeds_count(self) -> None:
        table = self.table()
        assert paired_difference(table[~((table['name'] == 'b') & (table['seed'] == 0))], 'a', 'b').seeds == 2

    def test_one_seed_concludes_nothing(self) -> None:
        table = self.table()
        difference = paired_difference(table[table['seed'] == 0], 'a', 'b')
        assert np.isinf(difference.high)
        assert difference.interval == 'one seed'

    def test_no_shared_seed(self) -> None:
        with pytest.raises(ValueError, match="'a' and 'c' share no seed"):
            paired_difference(self.table(), 'a', 'c')

    def test_figure_holds_every_score(self) -> None:
        axes = plot_scores(self.table()).axes[0]
        drawn = np.concatenate([collection.get_offsets()[:, 0] for collection in axes.collections])
        assert sorted(drawn) == pytest.approx([40, 45, 50, 50, 55, 60])


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
        assert {'scores.png', 'report.md', 'results.csv'} <= {path.name for path in (tmp_path / 'run').iterdir()}
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
        cells = [{'name': c, 'pretrain': 'within-image', 'checkpoint': c} for c in ('best', 'last')]
        cells[0]['set'] = {'probe.trainer.max_epochs': 1}
        run_grid(read_grid(tiny_grid(tmp_path, cells=cells, seeds=[0])), tmp_path)
        configs = [path.read_text() for path in tmp_path.glob('probe/*/config.yaml')]
        assert sorted('last.ckpt' in config for config in configs) == [False, True]

    def test_a_failed_cell_does_not_stop_the_others(self, tmp_path: Path) -> None:
        cells = [
            {'name': 'broken', 'pretrain': None, 'set': {'probe.data.init_args.cells': 5}},
            {'name': 'unknown option', 'pretrain': None, 'set': {'probe.model.init_args.nothing': 5}},
            {'name': 'fine', 'pretrain': None},
        ]
        table = run_grid(read_grid(tiny_grid(tmp_path, cells=cells, seeds=[0])), tmp_path)
        assert table['error'].isna().tolist() == [False, False, True]
        assert 'cells is 5' in table['error'][0]
