"""The gate: a loss is judged only where its clean pretraining beats the better of the two random encoders."""

from dataclasses import dataclass

import pandas as pd

from geo_noisy.experiments.judging.contrasts import Contrast, contrast
from geo_noisy.experiments.results import DOWNSTREAM, SCORE

RANDOM_ENCODERS = ('random encoder', 'random encoder, uncalibrated')


@dataclass(frozen=True)
class Gate:
    """Whether a clean pretraining beats the better random encoder.

    Attributes:
        clean: Name of the clean pretraining; '' where there is none.
        random: Name of the better random encoder, by its mean over the worlds; '' where one of the two is missing.
        found: Clean minus random; None where it could not be measured.
    """

    clean: str
    random: str
    found: Contrast | None

    @property
    def passed(self) -> bool:
        """Whether the interval lies above zero."""
        return self.found is not None and self.found.interval.low > 0

    def __str__(self) -> str:
        """Why the gate is open or closed."""
        if self.found is None:
            return 'not measured: ' + ('a random encoder is missing' if self.clean else 'there is no clean pretraining')
        return f'{self.found.interval.mean:+.1f} ({self.found.interval}) against {self.random}'


def open_gate(rows: pd.DataFrame, clean: str) -> Gate:
    """Compare a clean pretraining with both random encoders of its downstream task.

    Args:
        rows: Prepared rows.
        clean: Name of the clean pretraining.
    """
    of_clean = rows[rows['name'] == clean]
    if of_clean.empty:
        return Gate('', '', None)
    first = of_clean.iloc[0]
    same = (rows[['data', *DOWNSTREAM]] == first[['data', *DOWNSTREAM]]).all(axis=1)
    worlds = rows['seed'].isin(of_clean['seed'])
    random = rows[same & worlds & rows['loss'].isin(RANDOM_ENCODERS)]
    if set(random['loss']) != set(RANDOM_ENCODERS):
        return Gate(clean, '', None)
    better = str(random.groupby('name')[SCORE].mean().idxmax())
    found = contrast(rows[rows['data'] == first['data']], {clean: 1.0, better: -1.0})
    return Gate(clean, better, found)
