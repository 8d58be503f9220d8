"""The table of results: written whole, checked where it is read."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from geo_noisy.experiments.table import add_row, check_table, read_table, stack_rows


class TestTable:
    def test_a_row_replaces_an_older_one(self, tmp_path: Path) -> None:
        for value in (1, 2):
            add_row(tmp_path, {'key': 'k', 'name': 'n', 'seed': 0, 'error': None, 'value': value})
        add_row(tmp_path, {'key': 'l', 'name': 'n', 'seed': 1, 'error': None, 'value': 3})
        assert read_table(tmp_path)['value'].tolist() == [2, 3]
        assert read_table(tmp_path)['seed'].dtype == int
        assert pd.read_csv(tmp_path / 'results.csv')['value'].tolist() == [2, 3]
        assert {path.name for path in tmp_path.iterdir()} == {'results.parquet', 'results.csv'}

    def test_a_column_without_values_takes_the_type_of_the_others(self) -> None:
        first = pd.DataFrame({'key': ['a'], 'seed': [1], 'done': [float('nan')], 'error': [None]})
        second = pd.DataFrame({'key': ['b'], 'seed': [2], 'done': [True], 'error': [None]})
        stacked = stack_rows([first, second, second[:0].astype({'seed': float})])
        assert list(stacked) == ['key', 'seed', 'done', 'error']
        assert stacked['seed'].dtype == int
        assert stacked['done'].tolist()[1] is True
        assert stacked['error'].isna().all()

    def test_read_while_a_sweep_writes(self, tmp_path: Path) -> None:
        add_row(tmp_path, {'key': 'k', 'name': 'n', 'seed': 0, 'error': None})

        def write() -> None:
            for size in range(1, 80):
                add_row(tmp_path, {'key': 'k', 'name': 'n' * 997 * size, 'seed': 0, 'error': None})

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            while not writing.done():
                assert read_table(tmp_path)['key'].tolist() == ['k']
        writing.result()

    def test_folders_may_have_dots(self, tmp_path: Path) -> None:
        add_row(tmp_path / 'v1.0', {'key': 'k', 'name': 'n', 'seed': 0, 'error': None})
        assert len(read_table(tmp_path / 'v1.0')) == 1
        assert read_table(tmp_path / 'v2.0').empty

    @pytest.mark.parametrize(
        ('change', 'message'),
        [
            ({'test_f1_macro': 1.5}, r"test_f1_macro is 1\.5 in the row of key 'k' \(name 'n', seed 0\)"),
            ({'test_f1_macro': -0.1}, 'a score lies between 0 and 1'),
            ({'val_accuracy': float('inf')}, 'a score lies between 0 and 1'),
            ({'seed': 0.5}, r'seed is 0\.5'),
            ({'seed': None}, 'it must be a whole number'),
            ({'name': None}, 'name is .*it must be text'),
            ({'config': '{'}, 'it must be JSON'),
        ],
    )
    def test_what_no_sweep_writes(self, change: dict[str, Any], message: str, tmp_path: Path) -> None:
        row = {'key': 'k', 'name': 'n', 'seed': 0, 'error': None, 'test_f1_macro': 0.5, 'config': '{}'}
        good = pd.DataFrame([row | {'key': 'other'}])
        good.to_parquet(tmp_path / 'good.parquet')
        assert len(read_table(tmp_path / 'good.parquet')) == 1
        pd.concat([good, pd.DataFrame([row | change])]).to_parquet(tmp_path / 'bad.parquet')
        with pytest.raises(ValueError, match=rf'bad\.parquet: .*{message}'):
            read_table(tmp_path / 'bad.parquet')

    def test_a_key_is_there_once(self) -> None:
        row = {'key': 'k', 'name': 'n', 'seed': 0, 'error': None}
        with pytest.raises(ValueError, match=r"key is 'k' .*it must be there once"):
            check_table(pd.DataFrame([row, row]), 'x')

    def test_columns_that_are_missing(self) -> None:
        with pytest.raises(ValueError, match=r"x has no column \['error', 'seed'\]"):
            check_table(pd.DataFrame([{'key': 'k', 'name': 'n'}]), 'x')

    @pytest.mark.parametrize('content', [b'', b'PAR1', b'\x00' * 100])
    def test_half_a_table(self, content: bytes, tmp_path: Path) -> None:
        (tmp_path / 'results.parquet').write_bytes(content)
        with pytest.raises(ValueError, match=r'results\.parquet is no whole table'):
            read_table(tmp_path)

    def test_text_survives_csv(self, tmp_path: Path) -> None:
        """No spreadsheet takes a name for a formula, and none is changed; keys are never numbers."""
        names = ['=1+1', '+x', '-x', '@x', "'quoted", 'a,"b"', '$x|y$']
        for number, name in enumerate(names):
            add_row(tmp_path, {'key': f'{number}e4', 'name': name, 'seed': 0, 'error': None})
        text = (tmp_path / 'results.csv').read_text()
        assert "\n0e4,'=1+1," in text
        table = read_table(tmp_path / 'results.csv')
        assert table['name'].tolist() == names
        assert table['key'].tolist() == [f'{number}e4' for number in range(len(names))]
