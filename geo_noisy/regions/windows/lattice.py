"""Windows of a site's grid that its files cover."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_noisy.regions.ragged import expand

_WHOLE = 1e-3  # of a pixel


class Candidates(NamedTuple):
    """Windows that files cover, one row a window and file; each [n]."""

    site: NDArray[np.int32]
    col: NDArray[np.int32]
    row: NDArray[np.int32]
    file: NDArray[np.int32]

    def take(self, kept: NDArray[np.bool_] | NDArray[np.int64]) -> 'Candidates':
        """Some of the rows."""
        return Candidates(*(column[kept] for column in self))


def pixel_extent(files: pd.DataFrame) -> NDArray[np.int64]:
    """Whole grid pixels that files cover: rows ``(left, top, right, bottom)``, shape [n, 4].

    A file on the grid's own CRS and pixel size is snapped to the nearest pixel; of a warped one, pixels that
    it covers in part are left out.
    """
    left, top = files['col0'].to_numpy(), files['row0'].to_numpy()
    right, bottom = left + files['cols'].to_numpy(), top + files['rows'].to_numpy()
    snapped = np.round(np.column_stack([left, top, right, bottom]))
    inside = np.column_stack(
        [np.ceil(left - _WHOLE), np.ceil(top - _WHOLE), np.floor(right + _WHOLE), np.floor(bottom + _WHOLE)]
    )
    return np.where(files['warped'].to_numpy()[:, None], inside, snapped).astype(np.int64)


def candidates(files: pd.DataFrame, *, size_px: int, stride_px: int) -> Candidates:
    """All windows whose corners are multiples of the stride and that a file covers whole.

    Args:
        files: Table of :class:`~geo_noisy.regions.windows.grid.PlacedFiles`.
        size_px: Side of a window.
        stride_px: Distance of neighbouring windows.
    """
    left, top, right, bottom = pixel_extent(files).T
    first_col, first_row = -(-left // stride_px), -(-top // stride_px)
    cols = np.maximum((right - size_px) // stride_px - first_col + 1, 0)
    rows = np.maximum((bottom - size_px) // stride_px - first_row + 1, 0)
    counts = cols * rows
    file = np.repeat(np.arange(len(files)), counts)
    within = expand(np.zeros(len(files), dtype=np.int64), counts)
    wide = np.maximum(cols, 1)[file]
    return Candidates(
        files['site'].to_numpy()[file].astype(np.int32),
        ((first_col[file] + within % wide) * stride_px).astype(np.int32),
        ((first_row[file] + within // wide) * stride_px).astype(np.int32),
        file.astype(np.int32),
    )


def across_files(files: pd.DataFrame, *, size_px: int, stride_px: int) -> Candidates:
    """Windows that lie whole in no file but in those of one capture together; the file that sees most names the date.

    Args:
        files: The placed files, with ``capture``.
        size_px: Side of a window.
        stride_px: Distance of neighbouring windows.
    """
    extent, capture = _rounded(files), files['capture'].to_numpy()
    numbers, counts = np.unique(capture, return_counts=True)
    several = np.isin(capture, numbers[counts > 1])
    parts = [
        _across(np.flatnonzero(capture == number), extent, size_px=size_px, stride_px=stride_px)
        for number in np.unique(capture[several])
    ]
    if not parts:
        return Candidates(*(np.empty(0, dtype=np.int32) for _ in Candidates._fields))
    col, row, file = np.concatenate(parts, axis=1)
    return Candidates(files['site'].to_numpy()[file].astype(np.int32), col, row, file)


def _rounded(files: pd.DataFrame) -> NDArray[np.int64]:
    """Grid pixels that files cover, to the nearest: rows ``(left, top, right, bottom)``, shape [n, 4]."""
    left, top = files['col0'].to_numpy(), files['row0'].to_numpy()
    edges = [left, top, left + files['cols'].to_numpy(), top + files['rows'].to_numpy()]
    return np.asarray(np.round(np.column_stack(edges)).astype(np.int64))


def _across(
    members: NDArray[np.int64], extent: NDArray[np.int64], *, size_px: int, stride_px: int
) -> NDArray[np.int32]:
    """Rows ``col``, ``row``, ``file`` of the windows that cross the borders of a capture's files, shape [3, n]."""
    boxes = extent[members]
    corners = [_touching(box, size_px=size_px, stride_px=stride_px) for box in boxes]
    windows = np.unique(np.concatenate(corners), axis=0)
    low, high = windows[:, None], windows[:, None] + size_px
    common = np.minimum(high, boxes[:, 2:]) - np.maximum(low, boxes[:, :2])
    area = np.clip(common, 0, None).prod(axis=2)
    crossing = (area > 0).sum(axis=1) > 1
    crossing &= area.max(axis=1) < size_px**2
    windows, area = windows[crossing], area[crossing]
    ground = shapely.union_all(shapely.box(*boxes.T.astype(float)))
    shapely.prepare(ground)
    whole = shapely.covers(ground, shapely.box(*windows.T.astype(float), *(windows.T.astype(float) + size_px)))
    windows, area = windows[whole], area[whole]
    return np.asarray(np.column_stack([windows, members[area.argmax(axis=1)]]).T.astype(np.int32))


def _touching(box: NDArray[np.int64], *, size_px: int, stride_px: int) -> NDArray[np.int64]:
    """Corners (col, row) of the windows on the lattice that cross the border of a box, shape [n, 2]."""
    first, last = -(-(box[:2] - size_px + 1) // stride_px), (box[2:] - 1) // stride_px
    cols, rows = (np.arange(first[axis], last[axis] + 1) * stride_px for axis in range(2))
    out_col, out_row = (
        (corner < box[axis]) | (corner + size_px > box[axis + 2]) for axis, corner in enumerate((cols, rows))
    )
    crossing = out_row[:, None] | out_col[None]
    row, col = np.nonzero(crossing)
    return np.column_stack([cols[col], rows[row]])


def places(
    col: NDArray[np.int32], row: NDArray[np.int32], *, size_px: int, place_px: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """The place cell of each window, and whether it lies whole inside.

    Args:
        col: First columns, shape [n].
        row: First rows, shape [n].
        size_px: Side of a window.
        place_px: Side of a place.

    Returns:
        Column and row of the cell, each [n], and whether the window crosses no border of cells, [n].
    """
    cell_col, cell_row = col.astype(np.int64) // place_px, row.astype(np.int64) // place_px
    inside = ((col + size_px - 1) // place_px == cell_col) & ((row + size_px - 1) // place_px == cell_row)
    return cell_col, cell_row, inside
