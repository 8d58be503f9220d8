"""The gallery: pictures of pairs, views, losses, features and maps, from images to the map of change in a minute."""

import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal

import geopandas as gpd
import torch
from lightning.pytorch.utilities.seed import isolate_rng
from matplotlib.figure import Figure
from torch.utils.data import default_collate
from torchgeo.datasets.utils import Sample
from tqdm import tqdm

from geo_noisy.datamodules.temporal import TemporalPairsDataModule
from geo_noisy.datasets.mosaic import Tile, draw_mosaic
from geo_noisy.datasets.pictures import Stretch
from geo_noisy.datasets.temporal import TemporalPairs
from geo_noisy.datasets.vts.pairs import VTSPairs
from geo_noisy.datasets.vts.scenes import Scene
from geo_noisy.errors import UsageError
from geo_noisy.experiments.running.trainer import quiet
from geo_noisy.gallery.change_picture import draw_change
from geo_noisy.gallery.example_region import ExampleRegion, make_region, pairs_of, pooled_features, pretrain
from geo_noisy.gallery.loss_pictures import draw_losses
from geo_noisy.inference.change import map_change
from geo_noisy.inference.load import prepare_encoder
from geo_noisy.inference.scenes import open_scenes
from geo_noisy.pairs.policy import PairPolicy
from geo_noisy.samplers.pairs import PairSampler
from geo_noisy.tasks.ground_contrast import GroundContrast
from geo_noisy.tasks.online_samples import validation_pairs
from geo_noisy.tasks.training_figures import draw_neighbours, draw_views
from geo_noisy.transforms.views import MoCoViews, Views, VTSViews
from geo_noisy.transforms.xview2 import XView2Views
from geo_noisy.whole_file import whole_file

SIDE_PX = 96
"""Side of the textures in the pictures of views and losses."""
PICTURES = ('pairs', 'sampler', 'views', 'losses', 'batch', 'neighbours', 'change')


def draw_gallery(
    folder: Path, *, file_format: Literal['png', 'jpg'] = 'png', seed: int = 0, steps: int = 192
) -> list[Path]:
    """Draw the gallery on scenes that it makes, with an encoder that it pretrains.

    Args:
        folder: Folder for the pictures; it is made where it is not there.
        file_format: Format of the pictures.
        seed: Seed of scenes, pairs, views and encoder.
        steps: Steps of the pretraining.

    Returns:
        The pictures: pairs with the noise outlined, what a sampler draws, views, what is positive and negative to each
        loss, a batch as the loss sees it, neighbours in feature space, a map of change.

    Raises:
        UsageError: If there are no steps.
    """
    if steps < 1:
        raise UsageError(f'steps is {steps}; the encoder of the gallery needs one at least.')
    paths = []
    with (
        tempfile.TemporaryDirectory() as work,
        quiet(),
        isolate_rng(),
        tqdm(total=len(PICTURES), desc='Gallery', unit='picture') as progress,
    ):
        for name, figure in _figures(Path(work), seed=seed, steps=steps):
            path = folder / f'{name}.{file_format}'
            with whole_file(path) as unfinished:
                figure.savefig(unfinished, dpi=80)
            paths.append(path)
            progress.update()
    return paths


def _figures(work: Path, *, seed: int, steps: int) -> Iterator[tuple[str, Figure]]:
    """The pictures by name, each as soon as it is drawn."""
    region = make_region(work, seed=seed)
    pairs = TemporalPairs(region.pairs)
    sampler = PairSampler(region.pairs, policy=PairPolicy(rate=0.5, match='draw'), seed=seed)
    yield 'pairs', pairs.plot_sheet(list(sampler)[:12])
    yield 'sampler', sampler.plot()
    textures = VTSPairs(size_px=SIDE_PX, cells=8, count=4, r_img=0.25, seed=seed)
    yield 'views', draw_views_of(textures[0])
    yield 'losses', draw_losses(default_collate([textures[number] for number in range(len(textures))]))
    data = pairs_of(work, seed=seed)
    task, checkpoint = pretrain(data, work, steps=steps, seed=seed)
    yield 'batch', draw_batch(data, task)
    yield 'neighbours', draw_near(data, task)
    yield 'change', draw_map(region, checkpoint, work)


def draw_views_of(sample: Sample, *, draws: int = 4) -> Figure:
    """Draw views of the later image of a pair by each recipe, what changed outlined in the view, too.

    Args:
        sample: A pair with ``change``, in values from 0 to 255.
        draws: Views of each recipe.
    """
    recipes: dict[str, Views] = {
        "MoCo v2's": MoCoViews(),
        "the paper's for VTS": VTSViews(),
        "the xView2 winner's": XView2Views(),
    }
    stretch = Stretch.of(sample['image'])
    batch = {
        'image': sample['image'][None].expand(draws, -1, -1, -1, -1) / 255,
        'change': sample['change'][None].expand(draws, -1, -1),
        'draw': torch.arange(draws),
    }
    rows = []
    for views in recipes.values():
        viewed = views(batch)
        later = zip(viewed['image'][:, 1] * 255, viewed['change'][:, 1], strict=True)
        shown: list[Tile | None] = [Tile(stretch.colours(date), sample['change']) for date in sample['image']]
        rows.append([*shown, *(Tile(stretch.colours(image), change) for image, change in later)])
    columns = ('earlier', 'later', *(f'view {number}' for number in range(1, draws + 1)))
    return draw_mosaic(rows, columns=columns, labels=list(recipes))


def draw_batch(data: TemporalPairsDataModule, task: GroundContrast, *, most: int = 6) -> Figure:
    """Draw the first pairs of the first batch, and the two views that the loss compares."""
    loader = data.train_dataloader()
    keys = list(loader.sampler)[:most]
    batch = data.aug(default_collate([loader.dataset[key] for key in keys]))
    query, key = task.directions(batch)[0]
    seen = [view | {'image': view['image'] * task.band_std + task.band_mean} for view in (query, key)]
    return draw_views(batch, *seen, most=most)


def draw_near(data: TemporalPairsDataModule, task: GroundContrast) -> Figure:
    """Draw validation images, and those of other ground with the nearest features."""
    pairs = validation_pairs(data, most=64, more=('change',))
    assert pairs is not None  # the region is large enough
    features = pooled_features(task, pairs['image'], float(data.std))
    return draw_neighbours(
        dict(pairs), features, queries=5, neighbours=5, title='Other ground with the nearest features'
    )


def draw_map(region: ExampleRegion, checkpoint: Path, work: Path) -> Figure:
    """Map the change in the scene that changed most, and draw it beside its two dates."""
    most = max(region.scenes, key=lambda scene: scene.changed.mean())
    images = before_and_after(most)
    encoder, network = prepare_encoder(checkpoint)
    scenes = open_scenes([str(path) for path in images], trained=encoder.images, channels=encoder.in_channels)
    (change,) = map_change(scenes, network, work / 'change', progress=False)
    return draw_change(change, images, gpd.read_file(region.polygons))


def before_and_after(scene: Scene) -> tuple[Path, Path]:
    """Images of a scene at the last date before its event, and at the first after."""
    event = scene.event.replace('-', '')
    paths = [Path(path) for path in scene.paths]
    return next((one, other) for one, other in pairwise(paths) if one.stem[-8:] < event <= other.stem[-8:])
