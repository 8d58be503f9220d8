"""The printed audit: what pairs an index holds, how noisy they are, and what was left out."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from pyproj import CRS

from geo_noisy.audit.auc import agreement
from geo_noisy.pairs.source import STRATA
from geo_noisy.regions.dates.read import DAY_S, from_seconds
from geo_noisy.regions.files.doubts import describe_doubt
from geo_noisy.regions.files.products import MaskCodes
from geo_noisy.regions.files.radiometry import Units
from geo_noisy.regions.location_frame import misalignment_px
from geo_noisy.regions.pair_estimates import pairs_of_dates
from geo_noisy.regions.pair_index import PairIndex
from geo_noisy.regions.windows.locations import SPLITS, UNASSIGNED

GAPS_DAYS = (0, 7, 31, 92, 183, 366, 731, 1827, np.inf)
NOISES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
_SHORT = 40  # letters
_LOOKED_AT = 20_000  # pairs that the distributions come from, where there are more


def audit(index: PairIndex, *, seed: int = 0) -> str:
    """Describe an index.

    Args:
        index: The index.
        seed: Seed of the pairs that are looked at where there are very many.

    Returns:
        The audit, line by line.
    """
    return '\n'.join(
        [
            *_ground(index),
            *_dates(index),
            *_pairs(index, np.random.default_rng(seed)),
            *_estimate(index),
            *_splits(index),
            *_doubts(index),
            *_left_out(index),
        ]
    )


def sample_pairs(index: PairIndex, stratum: str, rng: np.random.Generator, *, most: int | None = None) -> np.ndarray:
    """All pairs of a stratum, or that many of them at random; rows ``(location, earlier, later)``."""
    total, most = index.count(stratum), _LOOKED_AT if most is None else most
    ranks = np.arange(total) if total <= most else np.sort(rng.choice(total, most, replace=False))
    return index.keys(stratum, ranks)


def _ground(index: PairIndex) -> Iterator[str]:
    sites = index.sites
    systems = ', '.join(_crs_name(name) for name in sites['crs'].unique()[:5])
    finest, coarsest = sites[['res_x', 'res_y']].min().min(), sites[['res_x', 'res_y']].max().max()
    pixel = f'{finest:g}' if np.isclose(finest, coarsest, rtol=1e-3) else f'{finest:g} to {coarsest:g}'
    yield f'Ground:     {len(sites)} site{"s" * (len(sites) > 1)} in {systems}; pixels of {pixel} units'
    places = len(np.unique(index.locations.place))
    yield f'Windows:    {index.size_px} px, every {index.stride_px} px; {places:,} places'
    types = ', '.join(index.files['dtype'].unique())
    yield f'Files:      {len(index.files):,}, {len(index.bands)} bands of {types}'
    yield from _bands(index)
    yield from _captures(index)
    shift = misalignment_px(index)
    yield f'Alignment:  dates are moved by up to {shift.max():.2f} px along x or y (median {np.median(shift):.2f})'


def _crs_name(crs: str) -> str:
    """A CRS in a few words, where no authority has given it a short one."""
    return crs if len(crs) <= _SHORT else CRS.from_user_input(crs).name


def _bands(index: PairIndex) -> Iterator[str]:
    """Product, names and masks, where they are known."""
    content = index.content
    if content.product:
        yield f'Product:    {content.product}'
    if any(not name.isdigit() for name in content.bands):
        yield f'Bands:      {", ".join(content.bands)}'
    if content.categorical:
        yield f'Classes:    {", ".join(content.categorical)}, read by the nearest pixel'
    masks = [f'{mask.name} ({_meaning(mask)})' for mask in content.masks]
    if masks:
        yield f'Masks:      {", ".join(masks)}, read by the nearest pixel'
    if content.nodata:
        yield f'No data:    {", ".join(f"{value:g}" for value in content.nodata)}, besides what files declare'
    if content.looked_at < len(index.files):
        told = f'{content.looked_at:,} of {len(index.files):,} captures'
        yield f'Looked at:  pixels of {told}, for what no header says (see Doubts)'
    if content.scales:
        yield f'Units:      {Units(content.scales, content.offsets)}, at all dates'


def _meaning(mask: MaskCodes) -> str:
    told = [
        f'{what} {name} {", ".join(map(str, values))}'
        for what, name, values in (
            ('no data', 'at', mask.nodata),
            ('no data', 'at bit', mask.nodata_bits),
            ('cloud', 'at', mask.cloud),
            ('cloud', 'at bit', mask.cloud_bits),
        )
        if values
    ]
    return '; '.join(told)


def _captures(index: PairIndex) -> Iterator[str]:
    """Mosaics, and what is resampled and how."""
    several = index.files['capture'].value_counts()
    mosaics = int((several > 1).sum())
    if mosaics:
        yield f'Mosaics:    {mosaics:,} dates are put together from {int(several[several > 1].sum()):,} captures'
    warped = int(index.files['warped'].sum())
    if warped:
        yield f'Resampled:  {warped:,} files whose CRS or pixel size is not that of their site, bilinear'
    if index.files['coarser'].any():
        yield 'Resampling: bands of other pixel sizes than the finest are brought to it, bilinear'


def _doubts(index: PairIndex) -> Iterator[str]:
    """What was assumed or looks odd, with the option that settles it."""
    doubts = index.every_doubt
    if doubts:
        yield 'Doubts:'
    for doubt in doubts:
        yield f'            {describe_doubt(doubt)}'


def _dates(index: PairIndex) -> Iterator[str]:
    counts = np.diff(index.offsets)
    times = from_seconds(np.array([index.times.min(), index.times.max()]))
    yield f'Locations:  {len(index):,}'
    yield (
        f'Dates:      {counts.min()} to {counts.max()} a location (median {np.median(counts):g}), '
        f'{times[0].date()} to {times[1].date()}'
    )
    single = int((counts == 1).sum())
    if single:
        yield f'Self-pairs: {single:,} locations have one date and pair with themselves'


def _pairs(index: PairIndex, rng: np.random.Generator) -> Iterator[str]:
    clean, noisy, unknown = counts = [index.count(stratum) for stratum in STRATA]
    total, known = sum(counts), clean + noisy
    yield f'Pairs:      {total:,}'
    if known:
        method = index.noise_method
        yield f'Noisy:      {noisy:,} of {known:,} known pairs ({noisy / known:.1%}); noise measured by {method}'
    if unknown:
        yield f'Unknown:    {unknown:,} pairs ({unknown / max(total, 1):.1%})'
    rows = np.concatenate([sample_pairs(index, stratum, rng) for stratum in STRATA])
    if len(rows) < total:
        yield f'(The distributions come from {len(rows):,} random pairs.)'
    yield from _gaps(index, rows)
    if noisy:
        yield from _noises(index.noises(sample_pairs(index, 'noisy', rng)))


def _gaps(index: PairIndex, rows: np.ndarray) -> Iterator[str]:
    """Pairs and share of noisy ones by gap."""
    days = np.diff(index.pair_times(rows), axis=1)[:, 0] / DAY_S
    flags = index.flags(rows)
    yield 'By gap:     days            pairs   noisy'
    for low, high in pairwise(GAPS_DAYS):
        inside = (days >= low) & (days < high)
        told = inside & (flags >= 0)
        share = f'{(flags[told] == 1).mean():.1%}' if told.any() else '?'
        if inside.any():
            yield f'            {low:>5g} to {high:<5g}{inside.sum():>8,}{share:>8}'


def _noises(noise: np.ndarray) -> Iterator[str]:
    """How much of the window changed, over noisy pairs."""
    told = noise[~np.isnan(noise)]
    if len(told) < len(noise):
        yield f'Noise:      how much changed is not known of {len(noise) - len(told):,} noisy pairs, only that some did'
    if len(told) == 0:
        return
    low, middle, high = np.quantile(told, (0.05, 0.5, 0.95))
    yield f'Noise:      median {middle:.3f} of the window over noisy pairs (5 % below {low:.3f}, 5 % above {high:.3f})'
    for start, stop in pairwise(NOISES):
        count = int(((told > start) & (told <= stop)).sum())
        yield f'            {start:>5.2f} to {stop:<5.2f}{count:>8,}  {"#" * round(40 * count / len(told))}'


def _estimate(index: PairIndex) -> Iterator[str]:
    """How the estimate agrees with the flags, where there are both."""
    if index.estimate is None:
        return
    measured = ~np.isnan(index.estimate)
    yield f'Estimate:   {measured.sum():,} of {len(measured):,} pairs of dates, without labels; no flag hangs on it'
    rows = pairs_of_dates(index.offsets)[measured]
    flags, site = index.flags(rows), index.locations.site[rows[:, 0]]
    try:
        found = agreement(index.estimate[measured], flags, site, within=True)
    except ValueError:  # no site has both noisy and clean pairs
        return
    yield f'            a noisy pair scores above a clean one of its site in {found.auc:.2f} of cases ' + (
        f'({found.low:.2f} to {found.high:.2f}, bootstrapped over sites)'
    )


def _splits(index: PairIndex) -> Iterator[str]:
    split = index.locations.split
    if (split == UNASSIGNED).all():
        return
    parts = [f'{name} {int((split == code).sum()):,}' for code, name in enumerate(SPLITS)]
    yield f'Splits:     {", ".join(parts)} locations; {int((split == -1).sum()):,} in margins between them'


def _left_out(index: PairIndex) -> Iterator[str]:
    if not index.excluded:
        yield 'Left out:   nothing'
        return
    yield 'Left out or mended:'
    for item in index.excluded:
        example = f' (e.g. {item.example})' if item.example else ''
        yield f'            {item.number:,} x {item.what}: {item.reason}{example}'
