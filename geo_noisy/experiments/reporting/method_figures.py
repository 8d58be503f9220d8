"""The paper's method figures from real samples: how VTS is made (3), and noisy pairs beside mere exposure (6)."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from geo_noisy.datasets import VTSPairs, XBDPairs
from geo_noisy.datasets.vts.textures import find_images_folder
from geo_noisy.pairs.keys import PairKey
from geo_noisy.transforms.views import VTSViews
from geo_noisy.transforms.xview2 import XView2Views


def plot_vts_generation(vts: VTSPairs, *, image: int = 0) -> Figure:
    """The classes of the cells, the noise-free image, the replaced cells and the noisy partner (figure 3).

    Args:
        vts: Pairs to take an image from.
        image: Number of the image.
    """
    sample = vts[PairKey(image, 0, 1)]
    earlier, later = sample['image'] / 255
    panels = [
        ('cells of two classes', sample['mask'][0]),
        ('filled with two textures', earlier.permute(1, 2, 0)),
        ('cells that become noise', (earlier != later).any(dim=0)),
        (f'noisy partner, $r_{{img}}$ = {vts.r_img:g}', later.permute(1, 2, 0)),
    ]
    figure, axes = plt.subplots(1, 4, figsize=(12, 3.4), layout='constrained')
    for axis, (title, pixels) in zip(axes, panels, strict=True):
        axis.imshow(pixels.numpy(), cmap='cividis' if pixels.ndim == 2 else None, interpolation='none')
        axis.set_title(title)
        axis.axis('off')
    return figure


def plot_noisy_and_exposure(pairs: VTSPairs | XBDPairs, *, draw: int = 0) -> Figure:
    """A noisy pair and its mere-exposure pair, each as it is and as augmented for pretraining (figure 6).

    Args:
        pairs: Pairs to take the noisiest of the first 64 noisy pairs from.
        draw: Seed of the augmentation.

    Raises:
        ValueError: If no pair is noisy.
    """
    rows = pairs.pairs().keys('noisy', np.arange(min(64, pairs.pairs().count('noisy'))))
    if not len(rows):
        raise ValueError('No pair is noisy, so there is none to draw.')
    keys = [PairKey(location, earlier, later) for location, earlier, later in rows.tolist()]
    chosen = max(keys, key=lambda key: float(pairs[key]['noise']))
    figure, axes = plt.subplots(2, 4, figsize=(12, 6.4), layout='constrained')
    for row, (name, exposure) in enumerate((('noisy pair', False), ('mere exposure', True))):
        sample = pairs[chosen._replace(exposure=exposure)]
        images = sample['image'] / 255
        augment = XView2Views() if isinstance(pairs, XBDPairs) else VTSViews()
        views = augment({'image': images[None], 'draw': torch.tensor([draw])})['image'][0]
        titles = ('before', 'after') if not exposure else ('after', 'after')
        for column, (image, title) in enumerate(
            [(images[0], titles[0]), (images[1], titles[1]), (views[0], 'augmented'), (views[1], 'augmented')]
        ):
            axes[row, column].imshow(image.permute(1, 2, 0).clamp(0, 1).numpy(), interpolation='none')
            axes[row, column].set_title(f'{name}: {title}')
            axes[row, column].axis('off')
    return figure


def write_method_figures(folder: Path, *, vts_root: Path | None = None, xbd_root: Path | None = None) -> list[Path]:
    """Draw figures 3 and 6 into a folder.

    Args:
        folder: Where to.
        vts_root: Folder of textures; the embedded ones by default.
        xbd_root: Folder of xBD, of which figure 6 takes the official test set; VTS stands in by default.

    Returns:
        The files.
    """
    categories = None if vts_root is None else _categories(vts_root)
    vts = VTSPairs(
        vts_root,
        count=8,
        r_img=0.5,
        categories=categories[:2] if categories else None,
        noise_category=categories[2] if categories else None,
    )
    pairs = vts if xbd_root is None else XBDPairs(xbd_root, split='test')
    figures = {
        'figure_3_vts_generation': plot_vts_generation(vts),
        'figure_6_noisy_and_mere_exposure': plot_noisy_and_exposure(pairs),
    }
    return [save(figure, folder / f'{name}.jpg', dpi=80) for name, figure in figures.items()]


def save(figure: Figure, path: Path, *, dpi: int = 120) -> Path:
    """Write a figure and close it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=dpi)
    plt.close(figure)
    return path


def _categories(root: Path) -> tuple[str, str, str] | None:
    """The paper's categories where a root has them, else its first three."""
    folder = find_images_folder(root)
    if folder is None:
        raise FileNotFoundError(f'{root} holds no textures: no folder images/<category> is in it.')
    there = sorted(path.name for path in folder.iterdir() if path.is_dir())
    paper = ('stratified', 'veined', 'matted')
    if set(paper) <= set(there):
        return paper
    return (there[0], there[1], there[2]) if len(there) > 2 else None
