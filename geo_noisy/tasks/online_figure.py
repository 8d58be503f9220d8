"""What an online probe has seen so far, as a table and a figure in the run folder."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from geo_noisy.whole_file import whole_file

PANELS = (
    ('macro-F1 of frozen features', ('linear_f1', 'knn_f1')),
    ('effective rank', ('effective_rank',)),
    ('rank of the positive (0 best, 0.5 chance)', ('rank',)),
    ('alignment (0 best)', ('alignment',)),
    ('uniformity (lower is more even)', ('uniformity',)),
)
NAME = 'online_probe'


def write_history(folder: Path, history: Sequence[Mapping[str, float]]) -> None:
    """Write ``online_probe.csv`` and ``online_probe.png``, whole or not at all.

    Args:
        folder: The run folder.
        history: One row a measurement: ``epoch`` (0 before training), ``step``, ``seconds``, and what was measured.
    """
    table = pd.DataFrame(list(history))
    with whole_file(folder / f'{NAME}.csv') as unfinished:
        table.to_csv(unfinished, index=False)
    with whole_file(folder / f'{NAME}.png') as unfinished:
        draw_history(history).savefig(unfinished, dpi=120)


def draw_history(history: Sequence[Mapping[str, float]]) -> Figure:
    """Draw what was measured over the epochs; what was never measured has no panel."""
    panels = [
        (title, names)
        for title, names in PANELS
        if any(math.isfinite(row.get(name, math.nan)) for row in history for name in names)
    ]
    figure = Figure(figsize=(3.6 * max(1, len(panels)), 3.0), layout='constrained')
    axes = figure.subplots(1, max(1, len(panels)), squeeze=False)[0]
    epochs = [row['epoch'] for row in history]
    for axis, (title, names) in zip(axes, panels, strict=False):
        for name in names:
            axis.plot(epochs, [row.get(name, math.nan) for row in history], marker='o', markersize=3, label=name)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel('epoch (0: before training)', fontsize=8)
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.3)
        if len(names) > 1:
            axis.legend(fontsize=8, frameon=False)
    if not panels:
        axes[0].set_title('nothing could be measured', fontsize=9)
    return figure
