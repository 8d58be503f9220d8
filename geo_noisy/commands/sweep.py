"""``geo-noisy sweep``: run a grid of experiments and compare its cells."""

from collections.abc import Sequence

from geo_noisy.commands.parsing.options import Options
from geo_noisy.experiments.compare_cells import sweep


def run(command: str, words: Sequence[str]) -> int:
    """Run a grid; what a stopped sweep has done is not done again."""
    options = Options(command, __doc__)
    options.take(sweep, 'grid', names={'folder': 'output'}, positional='grid')
    return 0 if options.parse(words).call(sweep) else 1
