"""What can be learnt from VTS, and what lets the dense loss learn: two tables and two figures.

    OMP_NUM_THREADS=1 python tests/benchmarks/report_learning.py heads --root data/dtd --output docs/results/learning
    OMP_NUM_THREADS=1 python tests/benchmarks/report_learning.py textures --root data/dtd --output docs/results/learning

`heads`: steps until the within-image loss is .1 below that of equal features (log 16), for four heads and two
optimisers. `textures`: macro-F1 on training and test images, fully supervised and with both random encoders, on DTD's
and the embedded textures, with and without views that take colours away. Small: timm's test_resnet, 8 cells. Rows are
added as they are made, and those that are there are not made again.
"""

import argparse
import itertools
import math
import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import matplotlib.pyplot as plt
import pandas as pd
from torch import nn

from geo_noisy.datamodules import VTSPairsDataModule, VTSSegmentationDataModule
from geo_noisy.tasks import DenseContrast, SegmentationProbe
from geo_noisy.transforms import ColorViews, VTSViews
from geo_noisy.whole_file import whole_file

ENCODER: dict[str, Any] = {'model': 'tu-test_resnet', 'output_stride': 8}
HEADS = {'neither': ('none', 'torch'), 'He': ('none', 'he'), 'batch norm': ('batch', 'torch'), 'both': ('batch', 'he')}
OPTIMIZERS = {'AdamW, lr .001': {'optimizer': 'adamw', 'lr': 0.001}, 'SGD, lr .1': {'optimizer': 'sgd', 'lr': 0.1}}
PLATEAU, DEPTH, WINDOW, STEPS = math.log(16), 0.1, 10, 400  # 4 x 4 cells; depth and window of geo_noisy.tasks.plateau
LABELLED = {'train_count': 2000, 'test_count': 600}
EPOCHS = {32: 40, 64: 25}

COLOURED = 'embedded, coloured'
EMBEDDED: dict[str, dict[str, Any]] = {'embedded': {}, COLOURED: {'texture_colors': True}}
DTD: dict[str, Any] = {  # shrunk with the image
    'shrink_textures': True,
    'categories': ('banded', 'cracked'),
    'noise_category': 'cobwebbed',
}


class Losses(pl.Callback):
    """Keeps the loss of each step."""

    def __init__(self) -> None:
        """Start with none."""
        self.values: list[float] = []

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, number: int) -> None:
        """Keep a loss."""
        self.values.append(float(outputs['loss']))


def vts(size_px: int) -> dict[str, Any]:
    """Options of a data module, whatever the textures."""
    return {'size_px': size_px, 'cells': 8, 'in_memory': True}


def fit(task: Any, data: Any, folder: Path, **options: Any) -> pl.Trainer:
    """Train in silence."""
    quiet = dict.fromkeys(('logger', 'enable_checkpointing', 'enable_progress_bar', 'enable_model_summary'), False)
    trainer = pl.Trainer(
        accelerator='cpu', default_root_dir=folder, num_sanity_val_steps=0, limit_val_batches=0, **quiet, **options
    )
    trainer.fit(task, data)
    return trainer


def steps_to_leave(losses: list[float]) -> float:
    """First step after which the mean of the last losses lies below the plateau; infinite where it never does."""
    means = pd.Series(losses).rolling(WINDOW).mean()
    below = means.index[means < PLATEAU - DEPTH]
    return float(below[0] + 1) if len(below) else math.inf


def head(name: str, optimizer: str, root: str, seed: int, folder: Path) -> dict[str, Any]:
    """Losses of a within-image pretraining with one head."""
    norm, start = HEADS[name]
    pl.seed_everything(seed, verbose=False)
    task = DenseContrast(**ENCODER, **OPTIMIZERS[optimizer], head_norm=norm, weight_decay=1e-4, views=VTSViews())
    if start == 'torch':
        for layer in task.head:
            if isinstance(layer, nn.Conv2d):
                layer.reset_parameters()
    data = VTSPairsDataModule(
        batch_size=64, train_count=3200, val_count=64, dataset_seed=seed, root=root, **DTD, **vts(32)
    )
    losses = Losses()
    fit(task, data, folder, max_steps=STEPS, callbacks=[losses])
    return {'steps': steps_to_leave(losses.values), 'losses': ' '.join(f'{value:.3f}' for value in losses.values)}


def textures(source: dict[str, Any], size_px: int, color: str, encoder: str, seed: int, folder: Path) -> dict[str, Any]:
    """Macro-F1 on training and test images."""
    pl.seed_everything(seed, verbose=False)
    options: dict[str, Any] = {'freeze': False, 'views': VTSViews(crop=(0.6, 1.0), color=color)}
    if encoder != 'supervised':
        options = {'cache_features': 'memory', 'calibrate_batch_norm': encoder == 'random'}
        options |= {'views': ColorViews(), 'cached_views': 2} if color == 'free' else {}
    task = SegmentationProbe(**ENCODER, **options, classes=('first', 'second', 'noise'), lr=0.002)
    seeds = {'dataset_seed': seed, 'split_seed': seed}
    data = VTSSegmentationDataModule(batch_size=32, val_count=32, **LABELLED, **seeds, **vts(size_px), **source)
    trainer = fit(task, data, folder, max_epochs=EPOCHS[size_px])
    train = float(trainer.callback_metrics['train_f1_macro'])
    (test,) = trainer.test(task, data, verbose=False)
    return {'train_f1': round(100 * train, 1), 'test_f1': round(100 * test['test_f1_macro'], 1)}


def plot_heads(table: pd.DataFrame) -> plt.Figure:
    """The losses over the steps, a panel an optimiser."""
    figure, axes = plt.subplots(1, len(OPTIMIZERS), figsize=(10, 3.6), sharey=True, layout='constrained')
    for axis, optimizer in zip(axes, OPTIMIZERS, strict=True):
        for number, name in enumerate(HEADS):
            rows = table[(table['head'] == name) & (table['optimizer'] == optimizer)]
            for seed, text in enumerate(rows['losses']):
                means = pd.Series([float(value) for value in text.split()]).rolling(WINDOW).mean()
                axis.plot(means, color=f'C{number}', label=None if seed else name, lw=1)
        axis.axhline(PLATEAU, color='grey', ls=':', lw=1)
        axis.set_title(optimizer)
        axis.set_xlabel('step')
    axes[0].set_ylabel('within-image loss')
    axes[0].legend(title='in the head', frameon=False)
    return figure


def plot_textures(table: pd.DataFrame) -> plt.Figure:
    """Test scores as bars, training scores as ticks; a panel a size."""
    sizes = sorted(table['size_px'].unique())
    figure, axes = plt.subplots(1, len(sizes), figsize=(5 * len(sizes), 3.6), sharey=True, layout='constrained')
    for axis, size_px in zip([axes] if len(sizes) == 1 else axes, sizes, strict=True):
        mean = (
            table[table['size_px'] == size_px].groupby(['textures', 'color', 'encoder'])[['train_f1', 'test_f1']].mean()
        )
        tests = mean['test_f1'].unstack('encoder')
        tests.plot.bar(ax=axis, rot=0, legend=size_px == sizes[0])
        for bars, name in zip(axis.containers, tests, strict=True):
            for bar, train in zip(bars, mean['train_f1'].unstack('encoder')[name], strict=True):
                axis.hlines(train, bar.get_x(), bar.get_x() + bar.get_width(), color='black', lw=1.5)
        axis.axhline(100 / 3, color='grey', ls=':', lw=1)
        axis.set_title(f'{size_px} px')
        axis.set_xlabel('')
    figure.supylabel('macro-F1: test (bars), training (ticks)', fontsize='medium')
    return figure


def main() -> None:
    """Make the rows that are missing, then the figure."""
    warnings.simplefilter('ignore')
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=('heads', 'textures'))
    parser.add_argument('--root', required=True, help='folder of DTD')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0])
    parser.add_argument('--sizes', type=int, nargs='+', default=[32, 64])
    parser.add_argument('--output', type=Path, required=True)
    chosen = parser.parse_args()
    chosen.output.mkdir(parents=True, exist_ok=True)
    file = chosen.output / f'{chosen.what}.csv'
    rows = pd.read_csv(file).to_dict('records') if file.exists() else []
    if chosen.what == 'heads':
        wanted = [
            {'seed': s, 'optimizer': o, 'head': h} for s, o, h in itertools.product(chosen.seeds, OPTIMIZERS, HEADS)
        ]
    else:
        axes = (
            chosen.seeds,
            chosen.sizes,
            ('embedded', COLOURED, 'DTD'),
            ('rare', 'free'),
            ('supervised', 'random', 'uncalibrated'),
        )
        names = ('seed', 'size_px', 'textures', 'color', 'encoder')
        wanted = [dict(zip(names, values, strict=True)) for values in itertools.product(*axes)]
        wanted = [key for key in wanted if key['textures'] != 'embedded' or key['color'] == 'rare']  # they are grey
    for key in wanted:
        if any(all(row[name] == value for name, value in key.items()) for row in rows):
            continue
        if chosen.what == 'heads':
            made = head(key['head'], key['optimizer'], chosen.root, key['seed'], chosen.output)
        else:
            source = DTD | {'root': chosen.root} if key['textures'] == 'DTD' else EMBEDDED[key['textures']]
            made = textures(source, key['size_px'], key['color'], key['encoder'], key['seed'], chosen.output)
        rows.append(key | made)
        print(key | {name: value for name, value in made.items() if name != 'losses'}, flush=True)
        with whole_file(file) as part:
            pd.DataFrame(rows).to_csv(part, index=False)
    figure = (plot_heads if chosen.what == 'heads' else plot_textures)(pd.DataFrame(rows))
    figure.savefig(chosen.output / f'{chosen.what}.png', dpi=110)


if __name__ == '__main__':
    main()
