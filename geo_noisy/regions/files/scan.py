"""From raster files to a table of captures: when, where, on which grid, with which bands and masks."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from geo_noisy.errors import InputError
from geo_noisy.regions.dates.formats import Formats
from geo_noisy.regions.dates.names import date_in_name
from geo_noisy.regions.dates.spans import all_in_1970
from geo_noisy.regions.files.band_choice import choose_bands
from geo_noisy.regions.files.band_files import ONE_BAND_EACH, band_kind
from geo_noisy.regions.files.captures import Capture
from geo_noisy.regions.files.companions import without_companions
from geo_noisy.regions.files.described import same_ground
from geo_noisy.regions.files.doubts import Doubt
from geo_noisy.regions.files.exclusions import tally
from geo_noisy.regions.files.file_names import FileNames
from geo_noisy.regions.files.file_scan import Captures, FileScan, scan_captures
from geo_noisy.regions.files.find import Paths, archives_beside, find_rasters
from geo_noisy.regions.files.headers import read_header
from geo_noisy.regions.files.opening import open_raster
from geo_noisy.regions.files.problems import RasterProblemError
from geo_noisy.regions.files.product_files import NO_PRODUCT, Draft, Found, group_files
from geo_noisy.regions.files.products import AUTO, FileKind, known_products

_WHOLE = '(?P<date>.+)'


def scan_rasters(
    paths: Paths,
    *,
    product: str = AUTO,
    products: str | os.PathLike[str] | None = None,
    bands: Sequence[str] | None = None,
    date_regex: str | None = None,
    date_format: Formats = None,
    date_tag: str | None = None,
    sensor_regex: str | None = None,
    **reading: Any,
) -> FileScan:
    """Look at raster files: which make a capture, what each holds, and when it was taken.

    Args:
        paths: Files, folders, patterns or addresses; one, or several.
        product: What the files are: ``sentinel2-l1c``, ``sentinel2-l2a``, ``hls``, ``landsat-c2``, ``landsat-c2-l1``,
            ``landsat-c1``, ``naip``, ``planet-sr``, ``sentinel1-rtc`` or one of ``products``; ``auto`` tells by
            their names, ``none`` takes each file as a capture of its own.
        products: YAML file with further products, in the form of ``products.yaml`` of this package.
        bands: Names of the bands to take, in order (``B02 B03 B04``), or of what they show (``blue nir08``), or
            numbers of the bands in files of no product; the bands that captures have in common by default.
        date_regex: Regular expression that finds the date in a file name, in a group named ``date``.
        date_format: Format of the date, or several, as in ``datetime.strptime``; finds it without ``date_regex``, too.
        date_tag: TIFF tag (or other metadata item) that holds the date, instead of the name.
        sensor_regex: Regular expression that finds the sensor in a file name, in a group named ``sensor``.
        **reading: How files are read, see :func:`scan_captures`.

    Raises:
        FileNotFoundError: If a path leads nowhere.
        InputError: If no file can serve, with the reasons.
        ValueError: If an argument makes no sense, or cannot act.
    """
    if date_tag and date_regex:
        raise ValueError('Give date_regex (the date is in the name) or date_tag (it is in the file), not both.')
    if products is not None and product == NO_PRODUCT:
        raise ValueError(f'products ({products}) cannot act where product is {NO_PRODUCT}; leave one away.')
    for pattern in (date_regex, sensor_regex):
        _check_pattern(pattern)
    names = FileNames(date_regex, date_format, date_tag, sensor_regex)
    files = find_rasters(paths)
    if sensor_regex and not any(re.search(sensor_regex, os.path.basename(path)) for path in files):
        raise ValueError(
            f'sensor_regex (--sensor-regex) {sensor_regex!r} is found in no file name, such as '
            f'{os.path.basename(files[0])}.'
        )
    scan = _scan(files, names, product=product, products=products, bands=bands, reading=reading)
    scan = replace(scan, excluded=(*scan.excluded, *tally('archive', archives_beside(paths))))
    if all_in_1970(scan.files[['time']].to_numpy()):
        raise InputError('All images are dated to 1970; check --date-regex, --date-format or --date-tag.')
    return replace(scan, date_formats=names.formats_used(files[0] for files in scan.files['paths']))


def _scan(
    files: Sequence[str],
    names: FileNames,
    *,
    product: str,
    products: str | os.PathLike[str] | None,
    bands: Sequence[str] | None,
    reading: dict[str, Any],
) -> FileScan:
    known = known_products(products)
    found = group_files(files, known, product=product, band_count=_band_count)
    if not found.drafts and product == AUTO:
        alone, companions = without_companions(found.files)
        found = replace(found, files=alone, problems=[*found.problems, *companions])
    if products is not None:
        _check_own(known, found.drafts, products)
    found = _of_bands(found, product)
    if not found.drafts or not all(draft.date for draft in found.drafts):
        names.look_in_folders(files)
    if not found.drafts:
        captures, problems = _each_by_itself(found.files, names)
        left = tuple(tally('file', [*found.problems, *problems]))
        return scan_captures(Captures(captures, excluded=left, doubts=names.doubts), bands=bands, **reading)
    choice = choose_bands(found.drafts, bands)
    captures, problems = [], [*choice.problems]
    for draft, layers in zip(found.drafts, choice.layers, strict=True):
        if layers is not None:
            try:
                captures.append(_capture(draft, layers, names))
            except RasterProblemError as error:
                problems.append((str(error), draft.example))
    excluded = [*tally('file', found.problems), *tally('capture', problems)]
    doubts = [*_assumed(found.product, found.drafts, product, choice.names), *choice.doubts, *names.doubts]
    masks = {name: codes for draft in found.drafts for name, codes in draft.codes.items()}
    told = Captures(captures, found.product, tuple(masks.values()), tuple(excluded), tuple(doubts))
    return scan_captures(told, **reading)


def _of_bands(found: Found, product: str) -> Found:
    """Files of no product, put together where each holds a band."""
    if found.drafts or product != AUTO:
        return found
    kind = band_kind(found.files, band_count=_band_count, same_ground=_on_same_ground)
    if kind is None:
        return found
    again = group_files(found.files, {kind.product: (kind,)}, product=kind.product, band_count=_band_count)
    return replace(again, problems=[*found.problems, *again.problems])


def _on_same_ground(paths: Sequence[str]) -> bool:
    try:
        first, *others = [read_header(path) for path in paths]
    except RasterProblemError:
        return True  # told when the captures are described
    return all(same_ground(first, other) for other in others)


def _each_by_itself(files: Sequence[str], names: FileNames) -> tuple[list[Capture], list[tuple[str, str]]]:
    captures, problems = [], []
    for path in files:
        try:
            captures.append(Capture((path,), names.time(path), names.sensor(path)))
        except RasterProblemError as error:
            problems.append((str(error), path))
    return captures, problems


def _capture(draft: Draft, layers: tuple[Any, ...], names: FileNames) -> Capture:
    """A capture of a product, with the bands that are taken."""
    kind, paths = draft.kind, tuple(dict.fromkeys(layer.path for layer in layers))
    stated = names.date_stated or not draft.date
    return Capture(
        paths,
        names.time(paths[0]) if stated else _time_in_name(draft.date, kind.date_format),
        names.sensor(paths[0], product=draft.sensor),
        bands=layers,
        masks=tuple(layer for _, layer in draft.masks.values()),
        scale=kind.scale,
        offset=kind.offset,
        nodata=kind.nodata,
        alpha=kind.alpha,
    )


def _time_in_name(text: str, date_format: str | None) -> int:
    try:
        return date_in_name(text, regex=_WHOLE, date_format=date_format)
    except ValueError as error:
        raise RasterProblemError(str(error)) from error


def _assumed(product: str, drafts: Sequence[Draft], stated: str, bands: Sequence[str]) -> list[Doubt]:
    """That the names of files tell their product."""
    if stated != AUTO:
        return []
    if product == ONE_BAND_EACH:
        text = f'by their names, files hold a band each: {", ".join(bands)}'
        remedy = f'--bands chooses and orders them, --product {NO_PRODUCT} takes each file by itself.'
        return [Doubt('bands', text, remedy, len(drafts), drafts[0].example)]
    text = f'captures are taken for {product} by the names of their files'
    return [Doubt('product', text, f'--product {product} confirms it, --product {NO_PRODUCT} takes each file by '
                  'itself.', len(drafts), drafts[0].example)]  # fmt: skip


def _check_own(
    known: Mapping[str, tuple[FileKind, ...]], drafts: Sequence[Draft], products: str | os.PathLike[str]
) -> None:
    """Refuse a file of products of which no file is."""
    shipped = known_products()
    own = [name for name, kinds in known.items() if kinds is not shipped.get(name)]
    if not any(draft.kind.product in own for draft in drafts):
        raise ValueError(f'products (--products {products}): no capture is of {" or ".join(own)}; check its patterns.')


def _band_count(path: str) -> int:
    """Bands of a file, 0 where it cannot be opened (its header is read, and the trouble told, later)."""
    try:
        with open_raster(path) as file:
            return int(file.count)
    except RasterProblemError:
        return 0


def _check_pattern(pattern: str | None) -> None:
    try:
        re.compile(pattern or '')
    except re.error as error:
        raise ValueError(f'{pattern!r} is no regular expression (--date-regex, --sensor-regex): {error}') from error
