"""Rows made ready to be compared: never two settings under one name."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geo_noisy.experiments.judging.compare import compare
from geo_noisy.experiments.reporting.figures import plot_changes
from geo_noisy.experiments.results import SCORE, outcomes_of, prepare, settings
from geo_noisy.experiments.table import stack_rows
from tests.experiments.rows import row, table


class TestResults:
    def test_settings_are_never_mixed(self) -> None:
        other = table().assign(encoder='resnet50', key=lambda frame: frame['key'] + ' 50')
        frame = stack_rows([table(), other])
        parts = dict(settings(prepare(frame)))
        assert set(parts) == {'encoder resnet18', 'encoder resnet50'}
        assert all(
            set(part['loss']) == {'random encoder', 'random encoder, uncalibrated', 'MoCo'} for part in parts.values()
        )
        assert [label for label, _ in settings(prepare(table()))] == ['']

    @pytest.mark.parametrize(
        ('column', 'value'),
        [
            ('label_fraction', 0.1),
            ('downstream_noise', 'none'),
            ('fine_tuned', True),
            ('match', 'fixed-size'),
            ('checkpoint', 'last'),
        ],
    )
    def test_each_option_is_a_setting_of_its_own(self, column: str, value: Any) -> None:
        pretrained = table()[lambda frame: frame['loss'] == 'MoCo']
        other = pretrained.assign(**{column: value}, key=lambda frame: frame['key'] + ' other')
        parts = dict(settings(prepare(stack_rows([pretrained, other]))))
        assert len(parts) == 2
        assert f'{column} {value}' in parts
        assert all(len(part) == len(pretrained) and part[column].nunique() == 1 for part in parts.values())

    def test_what_is_done_about_changed_ground_is_a_setting_that_clean_rows_go_with(self) -> None:
        ground = table().replace({'loss': {'MoCo': 'ground'}})
        noisy = ground['loss'].eq('ground') & ground['r_pairs'].gt(0)
        keep, drop = (
            ground.assign(changed=np.where(noisy, changed, None), name=ground['name'] + changed)
            for changed in ('keep', 'drop')
        )
        drop['key'] += ' drop'
        parts = dict(settings(prepare(pd.concat([keep, drop[noisy]], ignore_index=True))))
        assert set(parts) == {'changed keep', 'changed drop'}
        assert all(len(part) == len(ground) for part in parts.values())
        assert [label for label, _ in settings(prepare(table()))] == ['']  # tables of older versions

    def test_other_options_make_variants(self) -> None:
        def config(lr: float, rate: float) -> str:
            model = {'class_path': 'm', 'init_args': {'lr': lr}}
            data = {'class_path': 'd', 'init_args': {'policy': {'rate': rate}, 'seed': 3}}
            return json.dumps({'pretrain': {'model': model, 'data': data}, 'probe': None})

        rates = table()['r_pairs'].fillna(0)
        slow, fast = (table().assign(config=[config(lr, rate) for rate in rates]) for lr in (0.1, 0.2))
        fast['key'] += ' fast'
        assert [label for label, _ in settings(prepare(slow))] == ['']  # rates and seeds make none
        parts = dict(settings(prepare(stack_rows([slow, fast]))))
        assert set(parts) == {'pretrain.model.init_args.lr=0.1', 'pretrain.model.init_args.lr=0.2'}
        assert all(len(part) == 12 + 12 for part in parts.values())  # the baselines of both go with each

    def test_data_sets_of_one_setting_stand_together(self) -> None:
        cifar = [row(seed, 60.0 - 30 * rate, data='CIFAR-10', r_pairs=rate) for seed in range(3) for rate in (0.0, 1.0)]
        ((label, part),) = settings(prepare(stack_rows([table(), pd.DataFrame(cifar)])))
        assert label == ''
        figure = plot_changes(part)
        assert figure is not None
        labels = [str(line.get_label()) for line in figure.axes[0].get_lines()]
        assert labels[:2] == ['CIFAR-10: false pairs, MoCo', 'VTS: noisy pairs, MoCo']

    def test_failed_rows_do_not_count(self) -> None:
        frame = table()
        frame.loc[0, 'error'] = 'ValueError: no'
        assert len(prepare(frame)) == len(frame) - 1

    def test_the_same_from_csv(self, tmp_path: Path) -> None:
        table().to_csv(tmp_path / 'table.csv', index=False)
        again = prepare(pd.read_csv(tmp_path / 'table.csv'))
        columns = ['seed', 'loss', 'r_pairs', 'r_img', 'mere_exposure', 'match', SCORE]
        pd.testing.assert_frame_equal(prepare(table())[columns], again[columns], check_dtype=False)

    def test_older_table(self) -> None:
        with pytest.raises(ValueError, match=r"no columns \['data'\]"):
            prepare(table().drop(columns='data'))

    def test_no_outcomes(self) -> None:
        assert outcomes_of(table().iloc[0]) is None

    def test_cells_of_one_name_and_other_settings_are_told_apart(self) -> None:
        def config(lr: float, seed: int) -> str:
            stage = {'model': {'init_args': {'lr': lr}}, 'data': {'init_args': {'seed': seed, 'split_seed': seed}}}
            return json.dumps({'pretrain': None, 'probe': {**stage, 'seed_everything': seed}})

        rows = [row(seed, 50.0 + lr, key=f'{seed} {lr}', config=config(lr, seed)) for seed in (0, 1) for lr in (1, 2)]
        named = prepare(pd.DataFrame(rows).assign(name='MoCo'))
        assert set(named['name']) == {
            'MoCo [probe.model.init_args.lr=1]',
            'MoCo [probe.model.init_args.lr=2]',
        }
        assert set(named['cell']) == {'MoCo'}
        text = compare(named, [], metric='test_f1_macro')
        assert '| MoCo \\[probe.model.init_args.lr=1\\] | 51.0 |' in text

    def test_one_cell_twice(self) -> None:
        frame = table()
        again = frame.iloc[[0]].assign(key='another folder', test_f1_macro=0.9)
        with pytest.raises(ValueError, match=r'is there twice with the same settings .*another folder'):
            prepare(stack_rows([frame, again]))
        other = frame.iloc[[0]].assign(test_f1_macro=0.9)
        with pytest.raises(ValueError, match='is there twice with the same settings'):
            prepare(stack_rows([frame, other]))
        assert len(prepare(stack_rows([frame, frame.iloc[[0]]]))) == len(frame)  # the same row

    def test_a_cell_without_a_score(self) -> None:
        frame = table()
        frame.loc[3, 'test_f1_macro'] = np.nan
        with pytest.raises(ValueError, match='has no test_f1_macro, and no error either'):
            prepare(frame)
