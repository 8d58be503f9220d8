"""Figures of temporal pairs: two dates side by side, a sheet of pairs, a map."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torchgeo.datasets.utils import Sample

from geo_noisy.regions.dates.read import from_seconds
from geo_noisy.regions.pair_index import PairIndex

_STRETCH = (0.02, 0.98)


def draw_pair(sample: Sample, *, show_titles: bool, suptitle: str | None) -> Figure:
    """Draw both dates of a pair, and its prediction where there is one."""
    panels = 3 if 'prediction' in sample else 2
    figure = Figure(figsize=(4 * panels, 4.4), layout='constrained')
    axes = figure.subplots(1, panels)
    for axis, picture, title in zip(axes, pictures(sample), titles(sample), strict=False):
        axis.imshow(picture)
        if show_titles:
            axis.set_title(title)
    if panels == 3:
        prediction = sample['prediction'].detach().cpu()
        axes[2].imshow((prediction[0] if prediction.ndim == 3 else prediction).numpy(), interpolation='none')
        if show_titles:
            axes[2].set_title('Prediction')
    _bare(axes)
    if suptitle is not None:
        figure.suptitle(suptitle)
    return figure


def draw_sheet(samples: Sequence[Sample], *, columns: int) -> Figure:
    """Draw a sheet of pairs, each as its two dates side by side."""
    rows = math.ceil(len(samples) / columns)
    figure = Figure(figsize=(3.2 * columns, 1.9 * rows), layout='constrained')
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis, sample in zip(axes.flat, samples, strict=False):
        first, second = pictures(sample)
        gap = np.ones((first.shape[0], max(1, first.shape[1] // 32), 3))
        axis.imshow(np.concatenate([first, gap, second], axis=1))
        axis.set_title(
            '\n'.join([' / '.join(str(date.date()) for date in _dates(sample)), noise_text(sample)]), fontsize=8
        )
    _bare(axes.flat)
    return figure


def draw_map(index: PairIndex) -> Figure:
    """Draw the footprints of an index, and how many locations each date has."""
    figure = Figure(figsize=(12, 5), layout='constrained')
    where, when = figure.subplots(1, 2)
    frame = index.index
    known = frame['pairs'] - frame['pairs_unknown']
    share = (frame['pairs_noisy'] / known.where(known > 0)).astype(float)
    frame.assign(share=share).plot(
        ax=where, column='share', vmin=0, vmax=1, cmap='viridis', edgecolor='white', linewidth=0.3,
        missing_kwds={'color': 'lightgrey'},
    )  # fmt: skip
    where.set(title=f'{len(frame)} locations: share of noisy pairs (grey: unknown)', xlabel='x', ylabel='y')
    times, counts = np.unique(index.times, return_counts=True)
    when.vlines(from_seconds(times), 0, counts)
    when.set(title='dates', ylabel='locations', ylim=(0, None))
    when.tick_params(axis='x', rotation=30)
    return figure


def pictures(sample: Sample) -> list[np.ndarray]:
    """Both dates as colours in [0, 1], [H, W, 3]: the first three bands, stretched alike; one band as grey."""
    image = sample['image'].detach().cpu().float()
    image = image[:, :3] if image.shape[1] >= 3 else image[:, :1].expand(-1, 3, -1, -1)
    low, high = _range(image, sample.get('valid'))
    return [((date - low) / (high - low)).clamp(0, 1).permute(1, 2, 0).numpy() for date in image]


def titles(sample: Sample) -> list[str]:
    """Date of each image; the later one with the noise of the pair."""
    first, second = _dates(sample)
    return [f'{first.date()}', f'{second.date()}, {noise_text(sample)}']


def noise_text(sample: Sample) -> str:
    """What is known of a pair's noise."""
    if bool(sample['exposure']):
        return 'mere exposure'
    flag, noise = int(sample['noisy']), float(sample['noise'])
    if flag < 0:
        return 'noise unknown'
    return f'{"noisy" if flag else "clean"}' + ('' if math.isnan(noise) else f', noise {noise:.3f}')


def _range(image: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
    """Low and high end of the stretch of each band, [3, 1, 1]."""
    pixels = image.movedim(1, 0).flatten(1)
    if valid is not None and bool(valid.any()):
        pixels = pixels[:, valid.detach().cpu().flatten()]
    ends = torch.quantile(pixels, torch.tensor(_STRETCH), dim=1)[:, :, None, None]
    return ends[0], torch.maximum(ends[1], ends[0] + 1e-6)


def _dates(sample: Sample) -> list:
    return list(from_seconds(sample['time'].detach().cpu().numpy()))


def _bare(axes: Iterable[Axes]) -> None:
    for axis in axes:
        axis.axis('off')
