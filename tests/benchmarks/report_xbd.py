"""Figures on real xBD pairs, for the documentation.

    python tests/benchmarks/report_xbd.py ../shared/data/xbd

The folder holds ``train`` and ``test`` and, for the split and the comparison, the table
``train_tier3_building_counts.csv`` of a public solution (buildings and pixels by image).
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from geo_noisy.datasets.xbd.files import find_pairs
from geo_noisy.datasets.xbd.geo import fit_label
from geo_noisy.datasets.xbd.index import IndexRequest, load_index
from geo_noisy.datasets.xbd.labels import CLASSES, read_label
from geo_noisy.datasets.xbd.masks import XBDLabels
from geo_noisy.datasets.xbd.splits import XBDSplit, assign_splits, leaking_tiles

KINDS = {'no_damage': 'non_damaged', 'minor_damage': 'light_damaged', 'major_damage': 'medium_damaged'}
KINDS['destroyed'] = 'destroyed'


def report_index(index: pd.DataFrame) -> None:
    """Tiles, buildings and flags."""
    buildings = index.filter(like='buildings_').sum()
    print(f'{index["image"].nunique()} image pairs, {len(index)} tiles, {(index["noise"] > 0).sum()} noisy')
    print(buildings.to_string())


def report_counts(index: pd.DataFrame, table: pd.DataFrame) -> None:
    """Buildings and pixels of the training images at hand against the table."""
    ours = index[(index['folder'] == 'train') & index['image'].isin(set(table['image']))]
    theirs = table[table['image'].isin(set(ours['image']))]
    print(f'\n{len(theirs)} of the training images are in the table')
    if theirs.empty:
        return
    for here, there in KINDS.items():
        pixels, drawn = ours[f'pixels_{here}'].sum(), theirs[f'{there}_pixels'].sum()
        counts = ours[f'buildings_{here}'].sum(), theirs[f'{there}_buildings'].sum()
        ratio = pixels / drawn if drawn else np.nan
        print(f'  {here:13s} buildings {counts[0]} / {counts[1]}, pixels {pixels} / {drawn} ({ratio:.4f})')
    print(
        f'  un-classified: {ours["buildings_un_classified"].sum()} buildings, {ours["pixels_un_classified"].sum()} px'
    )


def report_weights(table: pd.DataFrame) -> None:
    """Pixel frequencies and inverse-frequency weights over the whole table."""
    pixels = np.array([table[f'{there}_pixels'].sum() for there in KINDS.values()])
    pixels = np.append(len(table) * 1024**2 - pixels.sum(), pixels)
    print(f'\nPixel frequencies over {len(table)} images of the table, and their inverses')
    for name, share in zip(CLASSES, pixels / pixels.sum(), strict=True):
        print(f'  {name:13s} {share:.5f}  {1 / share:.2f}')


def report_split(table: pd.DataFrame) -> None:
    """Sizes and leaks of the splits over all names of the table."""
    tiles = table.loc[table.index.repeat(4), ['folder', 'disaster', 'image']].reset_index(drop=True)
    tiles['tile'] = np.arange(len(tiles)) % 4
    print()
    for by in ('tile', 'image'):
        tiles['split'] = assign_splits(tiles, XBDSplit(by=by))
        counts = tiles['split'].value_counts()
        unit = tiles if by == 'tile' else tiles.drop_duplicates('image')
        share = (unit['split'] == 'val').groupby(unit['disaster']).agg(['sum', 'size'])
        worst = (share['sum'] - 0.3 * share['size']).abs().max()
        print(
            f'by {by}: {counts["train"]} train, {counts["val"]} val tiles; {leaking_tiles(tiles)} leak; '
            f'no disaster is more than {worst:.2f} {by}s from 30 %'
        )


def report_affines(root: Path) -> None:
    """Residual of each real image."""
    print('\nAffine: median and largest distance of a polygon corner in mm, corners')
    for files in find_pairs([root], ('train', 'test'))[0]:
        fits = [
            fit_label(read_label(path, post=path is files.label_post)) for path in (files.label_pre, files.label_post)
        ]
        told = (
            f'{1000 * fit.median_m:.3f} {1000 * fit.largest_m:.2f} {fit.corners}' if fit else 'none' for fit in fits
        )
        print(f'  {files.image}: {", ".join(told)}')


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('root', type=Path)
    root = parser.parse_args().root
    table = pd.read_csv(root / 'train_tier3_building_counts.csv')
    table = table[table['event_type'] == 'post'].reset_index(drop=True)
    table = table.assign(image=table['image_id'].str.removesuffix('_post_disaster'), disaster=table['event_name'])
    request = IndexRequest((root,), ('train', 'test'), 512, XBDLabels())
    with tempfile.TemporaryDirectory() as cache:
        index = load_index(request, cache_dir=Path(cache), progress=False)
    report_index(index)
    report_counts(index, table)
    report_weights(table)
    report_split(table)
    report_affines(root)


if __name__ == '__main__':
    main()
