"""The demo: the grid that comes with the package, and its one comparison in a sentence and a figure."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from geo_noisy.datasets.vts.pairs import VTSPairs
from geo_noisy.errors import UsageError
from geo_noisy.experiments.compare_cells import sweep
from geo_noisy.experiments.judging.gates import Gate, open_gate
from geo_noisy.experiments.reporting.method_figures import save
from geo_noisy.experiments.results import SCORE, prepare
from geo_noisy.experiments.table import read_table
from geo_noisy.whole_file import whole_file

DEMO = Path(__file__).with_name('demo.yaml')
CLEAN = 'no noisy pairs'
PAIRS = 4
"""Pairs that the figure shows."""


def run_demo(folder: Path, *, seeds: Sequence[int] = (), processes: int | None = None) -> bool:
    """Pretrain, probe and compare on a small synthetic data set; end with a figure and a sentence.

    Args:
        folder: Folder of runs and results.
        seeds: Each draws another split of the textures, other images and encoders; those of the grid by default.
        processes: Cells that run at once; as many as there are cores by default, at most 4.

    Returns:
        Whether all cells ended well.

    Raises:
        UsageError: If a seed is given twice or is below 0, or there is one alone.
    """
    grid = yaml.safe_load(DEMO.read_text())
    if seeds:
        if len(seeds) < 2 or len(set(seeds)) < len(seeds) or min(seeds) < 0:
            raise UsageError(f'The seeds are {list(seeds)}: give two or more, each once, of 0 or more.')
        grid['seeds'] = list(seeds)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / 'grid.yaml'
    with whole_file(path) as beside:
        beside.write_text(yaml.safe_dump(grid, sort_keys=False))
    if not sweep(path, folder, processes=processes or min(os.cpu_count() or 1, 4)):
        return False
    rows = prepare(read_table(folder))
    rows = rows[rows['seed'].isin(grid['seeds'])]
    gate = headline(rows)
    figure = save(plot_demo(rows, example_pairs(grid), gate), folder / 'demo.png')
    print(f'Pairs and scores in one figure: {figure}\n\n{sentence(gate)}')
    return True


def headline(rows: pd.DataFrame) -> Gate:
    """The clean pretraining beside the better of the two random encoders.

    Args:
        rows: Prepared rows of the demo's cells.
    """
    return open_gate(rows, CLEAN)


def sentence(gate: Gate) -> str:
    """What the comparison says, whatever it is."""
    assert gate.found is not None  # all cells ended well
    interval = gate.found.interval
    verdict = 'so pretraining helps here' if gate.passed else 'so this run shows no gain'
    if interval.high < 0:
        verdict = 'so pretraining harms here'
    word = 'better' if interval.mean >= 0 else 'worse'
    return (
        f'Pretrained on pairs without a label, the frozen encoder segments unseen textures {abs(interval.mean):.1f} '
        f'points of macro-F1 {word} than the better of two random ones (95 % interval {interval} over {interval.seeds} '
        f'seeds): {verdict}.'
    )


def example_pairs(grid: dict[str, Any]) -> VTSPairs:
    """The first noisy pairs of the grid's first seed."""
    shared = {key.removeprefix('data.init_args.'): value for key, value in grid['shared'].items()}
    seed = grid['seeds'][0]
    return VTSPairs(
        size_px=shared['size_px'], cells=shared['cells'], count=PAIRS, r_img=0.5, seed=seed, split_seed=seed
    )


def plot_demo(rows: pd.DataFrame, pairs: VTSPairs, gate: Gate) -> Figure:
    """Some noisy pairs with the noise outlined, and the score of every cell and seed.

    Args:
        rows: Prepared rows of the demo's cells.
        pairs: Pairs to show.
        gate: The comparison that the title tells.
    """
    figure = plt.figure(figsize=(11, 4.2), layout='constrained')
    halves = figure.add_gridspec(1, 2, width_ratios=(1.25, 1))
    left, right = figure.add_subfigure(halves[0]), figure.add_subfigure(halves[1])
    left.suptitle('Noisy pairs, the noise outlined', fontsize=10)
    axes = left.subplots(2, PAIRS)
    for number, column in enumerate(axes.T):
        sample = pairs[number]
        for axis, image, date in zip(column, sample['image'], ('earlier', 'later'), strict=True):
            axis.imshow(image.permute(1, 2, 0).numpy() / 255)
            axis.contour(sample['change'].numpy() == 1, levels=[0.5], colors='#D55E00', linewidths=1.5)
            axis.set(xticks=[], yticks=[])
            if not number:
                axis.set_ylabel(date)
    _plot_scores(right.subplots(), rows)
    found = '' if gate.found is None else f'{gate.found.interval.mean:+.1f} points ({gate.found.interval})'
    right.suptitle(f'Without noisy pairs, against random: {found}', fontsize=10)
    return figure


def _plot_scores(axis: Axes, rows: pd.DataFrame) -> None:
    names = list(dict.fromkeys(rows['name']))[::-1]
    for place, name in enumerate(names):
        scores = rows.loc[rows['name'] == name, SCORE]
        colour = '#0072B2' if rows.loc[rows['name'] == name, 'pretrain_key'].notna().all() else '#7F7F7F'
        axis.barh(place, scores.mean(), height=0.6, color=colour, alpha=0.35)
        axis.plot(scores, [place] * len(scores), 'o', color=colour, markersize=5)
    axis.set_yticks(range(len(names)), [name.replace(', ', ',\n') for name in names])
    axis.set_xlim(left=max(0, rows[SCORE].min() - 15))
    axis.set_xlabel('macro-F1 on test textures, a dot a seed')
