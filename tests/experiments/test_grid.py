"""Grids: read, checked, expanded, planned."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from geo_noisy.experiments.grids.grid import read_comparisons, read_grid, set_path
from geo_noisy.experiments.running.cell import feature_key
from geo_noisy.experiments.running.plan import plan
from geo_noisy.experiments.running.sweep import run_grid
from geo_noisy.experiments.running.trainer import check_cells
from geo_noisy.main import main
from tests.experiments.grids import SWEEPS, TWO_LOSSES, tiny_grid


class TestGrid:
    def test_cells(self) -> None:
        cells = read_grid(TWO_LOSSES)
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
        for cell in read_grid(TWO_LOSSES):
            stages = [stage for stage in (cell.pretrain, cell.probe) if stage]
            assert {stage['seed_everything'] for stage in stages} == {cell.seed}
            assert {stage['data']['init_args']['seed'] for stage in stages} == {cell.seed}

    def test_a_seed_is_a_world(self, tmp_path: Path) -> None:
        for cell in read_grid(tiny_grid(tmp_path, cells=[{'name': 'm', 'pretrain': 'moco'}])):
            for stage in (cell.pretrain, cell.probe):
                assert stage is not None
                for name in ('seed', 'dataset_seed', 'split_seed'):  # order, images, and the split of the textures
                    assert stage['data']['init_args'][name] == cell.seed
        pinned = {'name': 'm', 'pretrain': 'moco', 'set': {'pretrain.data.init_args.dataset_seed': 7}}
        for cell in read_grid(tiny_grid(tmp_path, cells=[pinned])):
            assert cell.pretrain is not None
            assert cell.pretrain['data']['init_args']['dataset_seed'] == 7
            assert cell.probe['data']['init_args']['dataset_seed'] == cell.seed

    def test_seeds_come_one_after_the_other(self, tmp_path: Path) -> None:
        cells = [{'name': 'a', 'pretrain': None}, {'name': 'b', 'pretrain': 'moco', 'seeds': [1, 7]}]
        order = [(cell.name, cell.seed) for cell in read_grid(tiny_grid(tmp_path, cells=cells))]
        assert order == [('a', 0), ('a', 1), ('b', 1), ('b', 7)]

    def test_pieces_and_what_comes_later(self, tmp_path: Path) -> None:
        cells = [{'name': 'b', 'pretrain': 'moco', 'later': True}, {'name': 'a', 'pretrain': None}]
        grid = tiny_grid(tmp_path, cells=cells, seeds=[0, 1, 2], pieces=[2, 1])
        order = [(cell.name, cell.seed) for cell in read_grid(grid)]
        assert order == [('a', 0), ('a', 1), ('b', 0), ('b', 1), ('a', 2), ('b', 2)]
        with pytest.raises(ValueError, match=r'pieces is \[2\], 2 seeds in all, but the cells have 3'):
            read_grid(tiny_grid(tmp_path, cells=cells, seeds=[0, 1, 2], pieces=[2]))

    @pytest.mark.parametrize('path', SWEEPS, ids=lambda path: path.stem)
    def test_grids_that_come_with_the_project(self, path: Path) -> None:
        cells = read_grid(path)
        read_comparisons(path)
        costs = re.search(r'# Costs: +(\d+) cells( a seed)?', path.read_text())
        assert costs is not None
        assert int(costs[1]) == len(cells) // (len({cell.seed for cell in cells}) if costs[2] else 1)
        check_cells(cells)  # every key is known

    def test_stage_from_a_file(self, tmp_path: Path) -> None:
        stage = yaml.safe_load(TWO_LOSSES.read_text())['pretrain']['moco']
        (tmp_path / 'moco.yaml').write_text(yaml.safe_dump(stage))
        grid = tiny_grid(tmp_path, pretrain={'m': 'moco.yaml'}, cells=[{'name': 'm', 'pretrain': 'm'}])
        assert read_grid(grid)[0].pretrain['model']['class_path'] == 'geo_noisy.tasks.MomentumContrast'

    @pytest.mark.parametrize(
        ('changes', 'message'),
        [
            ({'seed': [1]}, r"'seed' was unexpected\); the keys are seeds, pieces, shared, pretrain, probe, cells"),
            ({'seeds': 3}, 'seeds is 3; give a list of at least one, each once'),
            ({'seeds': [0, 0]}, r'seeds is \[0, 0\]; give a list of at least one, each once'),
            ({'seeds': [True]}, r'seeds\[0\] is True; give a whole number'),
            ({'seeds': [-1]}, r'seeds\[0\] is -1; give a whole number'),
            ({'shared': None}, 'shared is None; give values by dotted path, or leave it out'),
            ({'shared': {'trainer': 'cpu', 'trainer.devices': 1}}, "trainer is 'cpu', no mapping"),
            ({'pretrain': ['moco.yaml']}, 'pretrain is .*; give named stages'),
            ({'pretrain': {'m': 'none.yaml'}}, r'pretrain\.m: there is no stage file .*none\.yaml'),
            ({'probe': {'model': {}}}, "probe: in model, 'class_path' is a required property"),
            (
                {'probe': {'model': {'class_path': 'x'}}},
                "'data' is a required property; the keys are model, data, trainer",
            ),
            ({'probe': {'model': {'class_path': 5}, 'data': {'class_path': 'x'}}}, r'model\.class_path is 5'),
            ({'compare': [['a', 'b', 'c']]}, r'compare\[0\] is .*; give two names of cells'),
            ({'cells': {}}, r'cells is \{\}; give a list of at least one'),
            ({'cells': ['x']}, r"cells\[0\] is 'x'; give a mapping with a name and a pretrain stage"),
        ],
    )
    def test_bad_grids(self, changes: dict[str, Any], message: str, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=rf'grid\.yaml.*{message}'):
            read_grid(tiny_grid(tmp_path, **changes))

    @pytest.mark.parametrize(
        ('cell', 'message'),
        [
            ({'pretrain': 'nothing'}, "has pretrain 'nothing'; choose among"),
            ({'name': 5}, r'cells\[0\]\.name is 5; give a name of 1 to 200 characters, in quotes'),
            ({'name': 'x' * 201}, r'cells\[0\]\.name is .*; give a name of 1 to 200 characters'),
            ({'name': 'a\nb'}, 'has line breaks'),
            ({'name': 'a\x1b[31mb'}, 'has line breaks, control characters'),
            ({'set': None}, r'cells\[0\]\.set is None; give values by dotted path'),
            ({'set': ['probe.a']}, r'cells\[0\]\.set is .*; give values by dotted path'),
            ({'axes': None}, r'cells\[0\]\.axes is None; give lists of values'),
            ({'axes': {'probe.a': 'none'}}, r"axes\.probe\.a is 'none'; give a list of at least one"),
            ({'axes': {'probe.a': []}}, r'axes\.probe\.a is \[\]; give a list of at least one'),
            ({'optional': 'no'}, r"cells\[0\]\.optional is 'no'; give true or false, without quotes"),
            ({'seeds': []}, r'cells\[0\]\.seeds is \[\]'),
            ({'rate': 1}, "'rate' was unexpected"),
            ({'set': {'pretrain.a': 1}}, r"sets 'pretrain\.a'; give dotted paths from \['both', 'probe'\]"),
            ({'set': {'probe': {'a': 1}}}, "sets 'probe'; give dotted"),
            ({'set': {'probe..a': 1}}, r"sets 'probe\.\.a'; give dotted"),
            ({'set': {'probe.seed_everything': 1}}, 'seeds come from'),
            ({'set': {'probe.a': 1}, 'axes': {'probe.a': [1, 2]}}, r"has \['probe\.a'\] under set and under axes"),
            ({'set': {'checkpoint': 'first'}}, "checkpoint 'first'"),
            ({'axes': {'checkpoint': ['best', 'frist']}}, "checkpoint 'frist'"),
            ({'set': {'probe.model.class_path.x': 1}}, r"cell 'x': model\.class_path\.x leads nowhere"),
        ],
    )
    def test_bad_cells(self, cell: dict[str, Any], message: str, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=rf'grid\.yaml.*{message}'):
            read_grid(tiny_grid(tmp_path, cells=[{'name': 'x', 'pretrain': None} | cell]))

    def test_a_name_is_of_one_cell(self, tmp_path: Path) -> None:
        twice = [{'name': 'x', 'pretrain': None}, {'name': 'x', 'pretrain': 'moco'}]
        with pytest.raises(ValueError, match=r"several cells are called \['x'\]"):
            read_grid(tiny_grid(tmp_path, cells=twice))
        axes = {'pretrain.model.init_args.lr': [0.1, 0.2]}
        expanded = [{'name': 'x', 'pretrain': 'moco', 'axes': axes}, {'name': 'x, lr=0.1', 'pretrain': None}]
        with pytest.raises(ValueError, match=r"several cells are called \['x, lr=0.1'\]"):
            read_grid(tiny_grid(tmp_path, cells=expanded))
        same = [{'name': 'x', 'pretrain': None}, {'name': 'y', 'pretrain': None}]
        with pytest.raises(ValueError, match=r"cells \['x', 'y'\] have the same configuration"):
            read_grid(tiny_grid(tmp_path, cells=same))

    @pytest.mark.parametrize(
        ('text', 'message'),
        [
            ('', 'holds no keys'),
            ('[1]', 'holds no keys'),
            ('word', 'holds no keys'),
            ('a: [', 'is not YAML'),
            ('a: !!python/name:os.system x', 'is not YAML'),
            ('[' * 5000, 'nested too deep'),
            ('a: &x [*x]', 'an alias in line 1 refers to itself'),
            ('a: &x {b: *x}', 'an alias in line 1 refers to itself'),
            (
                'a0: &a0 [0, 0]\n' + ''.join(f'a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n' for n in range(1, 60)),
                'more than 100,000',
            ),
            (
                'a0: &a0 {k: 0}\n' + ''.join(f'a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n' for n in range(1, 60)),
                'more than 100,000',
            ),
            ('seeds: [1]\nseeds: [2]', r"keys \['seeds'\] stand twice in the mapping of line 1"),
            ('on: 1', 'the key True in the whole is no text; put it in quotes'),
            ('shared: {a: 2024-01-01}', r'shared\.a is 2024-01-01, which YAML takes for a date; put it in quotes'),
            ('shared: {a: .nan}', r'shared\.a is not a number'),
            ('shared: {a: !!binary aGk=}', r'shared\.a is .*, which YAML takes for a bytes'),
        ],
        ids=lambda text: text[:20],
    )
    def test_not_a_grid(self, text: str, message: str, tmp_path: Path) -> None:
        (tmp_path / 'grid.yaml').write_text(text)
        with pytest.raises(ValueError, match=rf'grid\.yaml.*{message}'):
            read_grid(tmp_path / 'grid.yaml')

    def test_no_text_no_file(self, tmp_path: Path) -> None:
        (tmp_path / 'grid.yaml').write_bytes(b'\xff\xfe\x00a')
        with pytest.raises(ValueError, match='is not text in UTF-8'):
            read_grid(tmp_path / 'grid.yaml')
        os.mkfifo(tmp_path / 'fifo.yaml')
        with pytest.raises(ValueError, match=r'fifo\.yaml is not a file'):
            read_grid(tmp_path / 'fifo.yaml')

    def test_comparisons_name_cells(self, tmp_path: Path) -> None:
        assert len(read_comparisons(TWO_LOSSES)) == 6
        with pytest.raises(ValueError, match=r"compare names \['nobody'\]"):
            read_comparisons(tiny_grid(tmp_path, compare=[['nobody', 'random encoder']]))

    def test_set_path(self) -> None:
        config: dict[str, Any] = {'a': {'b': 1}}
        set_path(config, 'a.c.d', 2)
        assert config == {'a': {'b': 1, 'c': {'d': 2}}}


class TestChecks:
    @pytest.mark.parametrize(
        ('settings', 'message'),
        [
            (
                {'probe.model.init_args.nothing': 5},
                "Cell 'x', probe: model, .*SegmentationProbe, Option 'nothing' is not",
            ),
            ({'pretrain.data.init_args.policy.rat': 1}, r"pretrain: data\.policy, .*PairPolicy, Option 'rat' is not"),
            ({'pretrain.data.init_args.size_px': 'big'}, r'data\.size_px, .*Got value: big'),
            ({'pretrain.trainer.max_epoch': 1}, "does not accept option 'max_epoch'"),
            ({'pretrain.data.class_path': 'geo_noisy.datamodules.Nope'}, 'No geo_noisy.datamodules attribute Nope'),
        ],
    )
    def test_before_anything_runs(self, settings: dict[str, Any], message: str, tmp_path: Path) -> None:
        first = {'name': 'fine', 'pretrain': None}
        grid = tiny_grid(tmp_path, cells=[first, {'name': 'x', 'pretrain': 'moco', 'set': settings}])
        with pytest.raises(ValueError, match=message):
            run_grid(read_grid(grid), tmp_path / 'run')
        assert not (tmp_path / 'run').exists()

    def test_every_value_is_looked_at(self, tmp_path: Path) -> None:
        axes = {'pretrain.data.init_args.r_img': [0.5, 0.25, 'half']}
        cells = read_grid(tiny_grid(tmp_path, cells=[{'name': 'x', 'pretrain': 'moco', 'axes': axes}]))
        with pytest.raises(ValueError, match=r"Cell 'x, r_img=half', pretrain: data\.r_img, .*Got value: half"):
            check_cells(cells)


class TestPlan:
    def test_steps_are_those_of_the_run(self, tmp_path: Path) -> None:
        axes = {'probe.model.init_args.lr': [0.001, 0.01]}
        settings = {'pretrain.trainer.max_epochs': 3, 'pretrain.trainer.accumulate_grad_batches': 3}
        cells = [
            {'name': 'random', 'pretrain': None},
            {'name': 'within', 'pretrain': 'within-image', 'axes': axes, 'set': settings},
        ]
        grid = read_grid(tiny_grid(tmp_path, cells=cells, seeds=[0]))
        text = plan(grid, tmp_path / 'run')
        assert 'To do: 1 pretrainings of 6 steps in all, 3 probes of 12.' in text  # 4 batches: two steps an epoch
        assert '1 cells take a pretraining of another; 1 sets of features serve several probes.' in text
        assert not (tmp_path / 'run').exists()
        rows = run_grid(grid, tmp_path / 'run')
        assert rows['pretrain_steps'].dropna().unique().tolist() == [6]
        assert rows['probe_steps'].tolist() == [4, 4, 4]
        assert '3 cells, 3 of them done' in plan(grid, tmp_path / 'run')
        kept = sum(path.stat().st_size for path in (tmp_path / 'run').rglob('*.ckpt'))
        said = re.search(r'Disk: up to ([0-9.]+) GB', text)
        assert said is not None
        assert kept <= 1e9 * float(said[1]) + 5e7

    def test_from_the_command(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        cells = [{'name': 'random', 'pretrain': None}]
        words = [
            'sweep',
            str(tiny_grid(tmp_path, cells=cells, compare=[])),
            '--output',
            str(tmp_path / 'run'),
            '--dry-run',
        ]
        assert main(words) == 0
        assert '2 cells, 0 of them done in' in capsys.readouterr().out
        assert not (tmp_path / 'run').exists()

    def test_data_that_are_not_there(self, tmp_path: Path) -> None:
        settings = {'both.data.init_args.root': str(tmp_path)}
        cells = [{'name': 'x', 'pretrain': 'moco', 'set': settings}]
        text = plan(read_grid(tiny_grid(tmp_path, cells=cells, seeds=[0])), tmp_path)
        assert 'Steps marked ? are not known: ' in text
        assert str(tmp_path) in text
