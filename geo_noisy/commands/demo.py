"""``geo-noisy demo``: pretrain, probe and compare on a small synthetic data set."""

from collections.abc import Sequence
from pathlib import Path

from geo_noisy.commands.parsing.options import Options
from geo_noisy.experiments.demo import run_demo


def run(command: str, words: Sequence[str]) -> int:
    """Run the grid that comes with the package."""
    options = Options(command, __doc__)
    options.add('-o', '--output', default='runs/demo', text='run folder')
    options.take(run_demo, 'demo', skip=['folder'])
    chosen = options.parse(words)
    return 0 if chosen.call(run_demo, Path(chosen['output'])) else 1
