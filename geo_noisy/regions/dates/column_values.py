"""The different values of a column, and errors that show some of them with their rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_noisy.errors import InputError

_SHOWN = 3  # offenders in a message


@dataclass(frozen=True)
class ColumnValues:
    """The different values of a column that are there at all.

    Attributes:
        where: Name of the column for messages.
        values: Different values, [u]; text without spaces around it.
        codes: Which of them each row holds, [n]; -1 where it is empty.
    """

    where: str
    values: Sequence[Any]
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, column: pd.Series, *, where: str) -> 'ColumnValues':
        """Take a column apart."""
        if pd.api.types.is_datetime64_any_dtype(column):
            there = column.notna().to_numpy()
            return cls(where, list(column[there]), np.where(there, np.cumsum(there) - 1, -1))
        plain = column.astype(object)
        if not plain.map(pd.api.types.is_hashable).all():
            plain = plain.map(str)
        codes, values = pd.factorize(plain)
        number: dict[Any, int] = {}
        again = [
            -1 if _is_empty(value) else number.setdefault(value, len(number))
            for value in (value.strip() if isinstance(value, str) else value for value in values)
        ]
        return cls(where, list(number), np.array([*again, -1], dtype=np.int64)[codes])

    def also_told(self, told: str) -> 'ColumnValues':
        """The same, with something more in messages."""
        return replace(self, where=self.where + told)

    def offence(self, offenders: Sequence[int] | NDArray[Any], trouble: str, remedy: str) -> InputError:
        """An error that shows the first few of some values with their rows, and how many rows there are.

        Args:
            offenders: Numbers of the values.
            trouble: What is wrong with them.
            remedy: What to do.
        """
        rows = np.flatnonzero(np.isin(self.codes, offenders))
        if len(self.codes) == 1:
            return InputError(f'{self.where}: {trouble}: {self.values[0]!r}. {remedy}')
        shown = ', '.join(f'{self.values[self.codes[row]]!r} (row {row + 1})' for row in rows[:_SHOWN])
        return InputError(f'{self.where}: {trouble}: {shown}; {len(rows)} of {len(self.codes)} rows. {remedy}')


def _is_empty(value: Any) -> bool:
    return value == '' if isinstance(value, str) else bool(pd.api.types.is_scalar(value) and pd.isna(value))
