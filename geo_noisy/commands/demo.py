"""``geo-noisy demo``: pretrain, probe and compare on a small synthetic data set."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from geo_noisy.commands.options import Options
from geo_noisy.experiments.compare_cells import sweep


def run(command: str, words: Sequence[str]) -> int:
    """Run the grid that comes with the package."""
    options = Options(command, __doc__)
    options.add('--output', hint=Path, default=Path('runs/demo'), text='run folder')
    folder = options.parse(words)['output']
    with resources.as_file(resources.files('geo_noisy.experiments') / 'demo.yaml') as grid:
        return 0 if sweep(grid, folder) else 1
