"""Whether pairs are noisy, and by how much: from the events of their locations and their two dates."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_noisy.regions.noise.events import Events, Method, change_states, union_share
from geo_noisy.regions.ragged import expand, offsets_of

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PairEvents:
    """Which events tell the two images of each pair apart: one flat item for each pair and event of its location.

    Attributes:
        offsets: Where the items of each pair start, [n + 1].
        flat: The event of each item, [m].
        changed: Whether exactly one of the two images shows it, [m].
        unknown: Whether nobody knows, [m].
        told: Pairs over locations whose noise the polygons tell, or of an image with itself, [n].
    """

    offsets: Ints
    flat: Ints
    changed: NDArray[np.bool_]
    unknown: NDArray[np.bool_]
    told: NDArray[np.bool_]

    @property
    def pair(self) -> Ints:
        """The pair of each item, [m]."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def any_of(self, items: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Pairs that have any of some items, [n]."""
        return np.bincount(self.pair[items], minlength=len(self.told)) > 0


def pair_events(rows: Ints, times: Ints, events: Events) -> PairEvents:
    """Look up which events lie between the dates of pairs.

    Args:
        rows: Rows ``(location, earlier, later)``, shape [n, 3].
        times: Times of the two images in seconds, shape [n, 2].
        events: The events of all locations.
    """
    location = rows[:, 0]
    counts = np.diff(events.offsets)[location]
    pair = np.repeat(np.arange(len(rows)), counts)
    flat = expand(events.offsets[location], counts)
    before, after = (change_states(times[pair, date], events, flat) for date in range(2))
    itself = rows[:, 1] == rows[:, 2]
    unknown = ((before < 0) | (after < 0)) & ~itself[pair]
    return PairEvents(
        offsets_of(counts), flat, (before != after) & ~unknown & ~itself[pair], unknown, events.known[location] | itself
    )


def pair_noises(
    found: PairEvents, events: Events, windows: NDArray[np.object_], *, method: Method, size_px: int
) -> NDArray[np.float64]:
    """Share of the window that changed between the dates of each pair; NaN where unknown; shape [n].

    Args:
        found: The events of the pairs.
        events: The events of all locations.
        windows: Window of each pair, in the CRS of its site, shape [n].
        method: How shares are measured.
        size_px: Side of a window.
    """
    noise = _union_shares(found, found.changed, events, windows, method, size_px)
    noise[~found.told | found.any_of(found.unknown)] = np.nan
    return noise


def pair_flags(
    found: PairEvents, events: Events, windows: NDArray[np.object_], *, min_noise: float, method: Method, size_px: int
) -> NDArray[np.int8]:
    """1 noisy, 0 clean, -1 unknown; shape [n]. See :func:`pair_noises` for the arguments.

    A pair is noisy when what surely changed is enough, also where a part of its window was not looked at: that part can
    only add to it. It is clean when even with all that may have changed it is not, and all of it was looked at.
    """
    if min_noise == 0:
        surely, perhaps = found.any_of(found.changed), found.any_of(found.unknown)
    else:
        surely = _union_shares(found, found.changed, events, windows, method, size_px) > min_noise
        either = found.changed | found.unknown
        perhaps = _union_shares(found, either, events, windows, method, size_px) > min_noise
    return np.where(surely, 1, np.where(perhaps | ~found.told, -1, 0)).astype(np.int8)


def _union_shares(
    found: PairEvents,
    items: NDArray[np.bool_],
    events: Events,
    windows: NDArray[np.object_],
    method: Method,
    size_px: int,
) -> NDArray[np.float64]:
    """Share that the union of some items covers of each pair's window, shape [n]."""
    pair = found.pair
    counts = np.bincount(pair[items], minlength=len(found.told))
    shares = np.bincount(pair[items], weights=events.share[found.flat[items]], minlength=len(found.told))
    shares = shares.astype(np.float64)  # numpy counts in integers where there is nothing to count
    for several in np.flatnonzero(counts > 1):
        span = slice(found.offsets[several], found.offsets[several + 1])
        flat = found.flat[span][items[span]]
        window: shapely.Geometry = windows[several]
        shares[several] = union_share(events, flat, window=window, method=method, size_px=size_px)
    return shares
