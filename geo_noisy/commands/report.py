"""``geo-noisy report``: draw the paper's figures from tables of results, and judge its claims."""

from collections.abc import Sequence

from geo_noisy.commands.parsing.options import Options
from geo_noisy.experiments.compare_cells import report


def run(command: str, words: Sequence[str]) -> int:
    """Write the report of one or more tables."""
    options = Options(command, __doc__)
    options.take(report, 'report', positional='tables')
    print(f'Report: {options.parse(words).call(report)}')
    return 0
