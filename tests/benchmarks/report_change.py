"""Which buildings of santa-rosa burnt, by encoders that never saw it, and by the difference of pixels.

    python -m tests.benchmarks.report_change XBD FOLDER [--steps 100] [--strides 32 16]

Pretrains on the other images of XBD (GroundContrast, no labels), maps change between both dates of the santa-rosa
images, and gives the AUC over buildings (damaged against not damaged) with a bootstrap interval over images.
"""

import argparse
from pathlib import Path

import geopandas as gpd
import lightning.pytorch as pl
import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score

from geo_noisy.datamodules import XBDPairsDataModule
from geo_noisy.inference import (
    ChangeMap,
    map_change,
    open_scenes,
    prepare_encoder,
    read_footprints,
    score_footprints,
)
from geo_noisy.inference.network import read_box
from geo_noisy.inference.scenes import Scene
from geo_noisy.regions.windows.reader import WindowReader
from geo_noisy.tasks import GroundContrast
from geo_noisy.transforms import MoCoViews
from tests.data.regions import write_raster
from tests.data.xbd_region import write_region, xbd_table

DAMAGED = ('minor-damage', 'major-damage', 'destroyed')


def pretrain(root: Path, folder: Path, steps: int) -> tuple[Path, Path]:
    """Checkpoints of the encoder before and after a short pretraining on all but santa-rosa."""
    random, trained = folder / 'random.ckpt', folder / 'trained.ckpt'
    if trained.exists():
        return random, trained
    pl.seed_everything(0)
    data = XBDPairsDataModule(root, batch_size=32, folders=('train',), tile_px=128, progress=False)
    task = GroundContrast(views=MoCoViews(), lr=1e-3, optimizer='adamw', warmup_steps=10)
    trainer = pl.Trainer(
        max_steps=steps, accelerator='cpu', logger=False, enable_checkpointing=False, limit_val_batches=0,
        default_root_dir=folder,
    )  # fmt: skip
    untrained = {f'model.{name}': value.clone() for name, value in task.model.state_dict().items()}
    trainer.fit(task, data)
    trainer.save_checkpoint(trained)
    stored = torch.load(trained, weights_only=True)
    torch.save(stored | {'state_dict': stored['state_dict'] | untrained}, random)
    return random, trained


def pixel_maps(scenes: list[Scene], folder: Path) -> list[ChangeMap]:
    """Mean difference of bands that are standardised by date."""
    folder.mkdir(exist_ok=True)
    maps, reader = [], WindowReader()
    for earlier, later in zip(scenes[::2], scenes[1::2], strict=True):
        both = [read_box(reader, scene, scene.box, 3)[0].astype(float) for scene in (earlier, later)]
        both = [(image - image.mean((1, 2), keepdims=True)) / image.std((1, 2), keepdims=True) for image in both]
        difference = np.abs(both[1] - both[0]).mean(axis=0).astype(np.float32)
        path = folder / f'pixels_{earlier.label}.tif'
        write_raster(path, difference[None], transform=earlier.transform(earlier.box))
        maps.append(ChangeMap(path, earlier, later))
    return maps


def auc(table: gpd.GeoDataFrame, column: str, *, draws: int = 1000) -> str:
    """AUC over buildings, with a 95 % interval over images."""
    rng, images = np.random.default_rng(0), table['image'].unique()
    rows = {image: np.flatnonzero(table['image'] == image) for image in images}
    truth, score = table['truth'].to_numpy(), table[column].to_numpy()
    found = []
    for _ in range(draws):
        chosen = np.concatenate([rows[image] for image in rng.choice(images, len(images))])
        if 0 < truth[chosen].mean() < 1:
            found.append(roc_auc_score(truth[chosen], score[chosen]))
    low, high = np.quantile(found, (0.025, 0.975))
    within = [roc_auc_score(truth[r], score[r]) for r in rows.values() if 0 < truth[r].mean() < 1]
    return f'{roc_auc_score(truth, score):.3f} ({low:.3f} to {high:.3f}); mean within images {np.mean(within):.3f}'


def run() -> None:
    """Read the words of the command line, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('xbd', type=Path)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--steps', type=int, default=100)
    parser.add_argument('--strides', type=int, nargs='+', default=(32, 16))
    chosen = parser.parse_args()
    folder: Path = chosen.folder
    (folder / 'images').mkdir(parents=True, exist_ok=True)
    table = xbd_table(chosen.xbd)
    table = table[table['disaster'] == 'santa-rosa-wildfire']
    buildings = write_region(folder / 'images', table)
    known = buildings['damage'].isin([*DAMAGED, 'no-damage'])
    buildings['changed'] = np.where(known, buildings['damage'].isin(DAMAGED).astype(float), np.nan)
    buildings['image'] = (buildings.geometry.centroid.x // 1000).astype(int)
    buildings.to_file(folder / 'buildings.gpkg')
    footprints = read_footprints(buildings, label_column='changed')
    scenes = open_scenes([str(folder / 'images')], product='none')
    columns = {'pixel difference': pixel_maps(scenes, folder / 'pixels')}
    for name, weights in zip(('random', 'trained'), pretrain(chosen.xbd, folder, chosen.steps), strict=True):
        for stride in chosen.strides:
            encoder, network = prepare_encoder(weights, output_stride=stride)
            columns[f'{name}, {stride} px'] = map_change(scenes, network, folder / f'{name}_{stride}', max_nodata=0.0)
            print(name, stride, network.reach, encoder.channels, flush=True)
    scored: pd.DataFrame | None = None
    for name, maps in columns.items():
        found = score_footprints(maps, footprints, folder / f'{name.replace(", ", "_")}.parquet')
        scored = found if scored is None else scored
        scored[name] = found['distance'].to_numpy()
    assert scored is not None
    scored = scored[scored['changed'].notna()].assign(truth=lambda frame: frame['changed'])
    print(f'{len(scored)} buildings of {scored["image"].nunique()} images, {int(scored["truth"].sum())} damaged')
    for name in columns:
        print(f'{name:<20}{auc(scored, name)}')


if __name__ == '__main__':
    run()
