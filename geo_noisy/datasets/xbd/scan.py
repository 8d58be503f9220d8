"""What one image pair contributes to the index: a row for each of its tiles, or the reasons why it cannot."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_noisy.datasets.xbd.files import PairFiles, Problem, image_problems
from geo_noisy.datasets.xbd.geo import GeoFit, fit_label, footprint
from geo_noisy.datasets.xbd.labels import (
    CODES,
    DAMAGED,
    UNCLASSIFIED,
    Label,
    LabelError,
    lost_buildings,
    partner_problems,
    read_label,
    with_lost_buildings,
)
from geo_noisy.datasets.xbd.masks import XBDLabels, draw_codes, tile_counts
from geo_noisy.datasets.xbd.schema import SIDE_PX

NAMES = ('background', *(subtype.replace('-', '_') for subtype in CODES))
"""Ends of the columns that hold counts, by code: 0 background to 5 un-classified."""

Row = dict[str, object]


@dataclass(frozen=True)
class Scan:
    """Rows of the index from one image pair, and its problems; a pair with problems has no rows."""

    rows: list[Row]
    problems: list[Problem]


def scan_pair(files: PairFiles, *, tile_px: int, labels: XBDLabels) -> Scan:
    """Check the files of an image pair, read each of its labels once, and count in each tile.

    Args:
        files: The pair.
        tile_px: Side of a tile.
        labels: How buildings are drawn, and whether bad polygons are mended.
    """
    read: dict[str, Label] = {}
    problems = [Problem(*problem, files.image) for problem in image_problems(files)]
    for date, path in (('pre', files.label_pre), ('post', files.label_post)):
        if not path.exists():
            continue
        try:
            read[date] = read_label(path, post=date == 'post', repair=labels.repair)
        except LabelError as error:
            problems += [Problem(str(path), reason, files.image) for reason in error.reasons]
    if len(read) == 2:
        problems += [Problem(*problem, files.image) for problem in _pair_problems(files, read, labels)]
    if problems:
        return Scan([], problems)
    return Scan(_rows(files, read['pre'], read['post'], tile_px, labels), [])


def _pair_problems(files: PairFiles, read: Mapping[str, Label], labels: XBDLabels) -> Iterator[tuple[str, str]]:
    for path, label in ((files.label_pre, read['pre']), (files.label_post, read['post'])):
        if label.disaster != files.disaster:
            yield str(path), f'`metadata.disaster` is {label.disaster!r}, but the file name says {files.disaster!r}'
    if read['pre'].time >= read['post'].time:
        yield str(files.label_post), 'the post-disaster image was not taken after the pre-disaster image'
    if not labels.repair:
        yield from ((str(files.label_post), reason) for reason in partner_problems(read['pre'], read['post']))


def _rows(files: PairFiles, pre: Label, post: Label, tile_px: int, labels: XBDLabels) -> list[Row]:
    lost = tile_counts(draw_codes(lost_buildings(post, pre)), tile_px)[:, UNCLASSIFIED]
    post = with_lost_buildings(post, pre)
    pixels_pre = tile_counts(draw_codes(pre, overlap=labels.overlap), tile_px)
    pixels_post = tile_counts(draw_codes(post, overlap=labels.overlap), tile_px)
    buildings = building_counts(post, tile_px)
    shared = _image_columns(files, pre, post)
    fits = fit_label(pre), fit_label(post)
    side = SIDE_PX // tile_px
    rows = []
    for tile in range(side * side):
        row_px, col_px = (place * tile_px for place in divmod(tile, side))
        rows.append(
            shared
            | {'tile': tile, 'row_px': row_px, 'col_px': col_px}
            | _count_columns(buildings[tile], pixels_post[tile], pixels_pre[tile])
            | {'noise': math.nan if lost[tile] else noise_of(pixels_pre[tile], pixels_post[tile])}
            | _geo_columns(*fits, row_px=row_px, col_px=col_px, tile_px=tile_px)
        )
    return rows


def building_counts(label: Label, tile_px: int) -> NDArray[np.int64]:
    """Count the buildings of each code in each tile; each counts once, where its centroid lies.

    Returns:
        Shape [tiles, 6], by code.
    """
    side = SIDE_PX // tile_px
    counts = np.zeros((side * side, UNCLASSIFIED + 1), dtype=np.int64)
    if len(label):
        centroids = shapely.get_coordinates(shapely.centroid(label.polygons))
        col, row = (centroids // tile_px).astype(int).clip(0, side - 1).T
        np.add.at(counts, (row * side + col, label.codes), 1)
    return counts


def noise_of(pixels_pre: NDArray[np.int64], pixels_post: NDArray[np.int64]) -> float:
    """Noise of a tile pair: the share of damaged pixels in the post tile; 0 where the pre tile holds damage too.

    Args:
        pixels_pre: Pixels of each code, shape [6].
        pixels_post: Pixels of each code, shape [6].
    """
    if pixels_pre[list(DAMAGED)].any():
        return 0.0
    return float(pixels_post[list(DAMAGED)].sum() / pixels_post.sum())


def _image_columns(files: PairFiles, pre: Label, post: Label) -> Row:
    columns: Row = {'disaster': files.disaster, 'image': files.image, 'folder': files.folder}
    for date, label, image, path in (
        ('pre', pre, files.image_pre, files.label_pre),
        ('post', post, files.image_post, files.label_post),
    ):
        columns |= {
            f'time_{date}': label.time,
            f'sensor_{date}': label.sensor,
            f'off_nadir_{date}_deg': label.off_nadir_deg,
            f'resolution_{date}_m': label.resolution_m,
            f'path_{date}': str(image),
            f'label_{date}': str(path),
        }
    return columns | {'fingerprint': fingerprint(files.paths)}


def fingerprint(paths: tuple[Path, ...]) -> str:
    """A text that changes when one of some files changes: paths, sizes and times of change."""
    stats = [(path.absolute(), path.stat() if path.exists() else None) for path in paths]
    return '|'.join(f'{path}:{stat.st_size}:{stat.st_mtime_ns}' if stat else f'{path}:-' for path, stat in stats)


def _count_columns(buildings: NDArray[np.int64], post: NDArray[np.int64], pre: NDArray[np.int64]) -> Row:
    columns: Row = {f'buildings_{name}': int(buildings[code]) for code, name in enumerate(NAMES) if code}
    columns |= {f'pixels_{name}': int(post[code]) for code, name in enumerate(NAMES)}
    return columns | {'pixels_building_pre': int(pre[1:].sum())}


def _geo_columns(pre: GeoFit | None, post: GeoFit | None, *, row_px: int, col_px: int, tile_px: int) -> Row:
    columns: Row = {}
    for date, own, partner in (('pre', pre, post), ('post', post, pre)):
        fit = own or partner
        columns[f'affine_{date}'] = list(fit.affine[:6]) if fit else None
        columns[f'residual_{date}_m'] = own.median_m if own else math.nan
    fit = post or pre
    outline = footprint(fit.affine, row_px=row_px, col_px=col_px, tile_px=tile_px) if fit else None
    return columns | {'geometry': outline}
