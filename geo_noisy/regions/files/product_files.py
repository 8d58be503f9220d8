"""From files to the captures of a product: which files belong together, and which band or mask each holds."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from geo_noisy.regions.files.captures import Layer
from geo_noisy.regions.files.products import AUTO, FileKind, MaskCodes

NO_PRODUCT = 'none'
Problems = list[tuple[str, str]]


@dataclass
class Draft:
    """A capture of a product as its files are found.

    Attributes:
        kind: The kind of the files with its bands; of its first file until one is found.
        date: Its date as written in the name; empty where the pattern has none.
        sensor: What took it.
        bands: Its bands by name, with the pixel size that the name tells.
        masks: Its masks by name, likewise.
        codes: Codes of its masks.
    """

    kind: FileKind
    date: str
    sensor: str
    bands: dict[str, tuple[int, Layer]] = field(default_factory=dict)
    masks: dict[str, tuple[int, Layer]] = field(default_factory=dict)
    codes: dict[str, MaskCodes] = field(default_factory=dict)

    @property
    def example(self) -> str:
        """One of its files."""
        return next(iter((self.bands or self.masks).values()))[1].path


@dataclass(frozen=True)
class Found:
    """Files by product.

    Attributes:
        product: Name of the product; empty for files of none, each of which is a capture.
        drafts: Captures of the product.
        files: Files of no product, where ``product`` is empty.
        problems: (reason, example) of each file left out.
    """

    product: str
    drafts: list[Draft]
    files: list[str]
    problems: Problems


def group_files(
    paths: Iterable[str],
    products: Mapping[str, tuple[FileKind, ...]],
    *,
    product: str = AUTO,
    band_count: Callable[[str], int],
) -> Found:
    """Put files of one capture together.

    Args:
        paths: The files.
        products: Known products.
        product: Name of one of them; ``auto`` takes the one of most captures, ``none`` each file by itself.
        band_count: Tells how many bands a file has.

    Raises:
        ValueError: If the product is unknown.
    """
    if product not in (AUTO, NO_PRODUCT, *products):
        raise ValueError(f'product is {product!r}; choose {AUTO}, {NO_PRODUCT} or one of {", ".join(products)}.')
    if product == NO_PRODUCT:
        return Found('', [], list(paths), [])
    kinds = [kind for name in products if product in (AUTO, name) for kind in products[name]]
    drafts: dict[tuple[str, ...], Draft] = {}
    others, problems = [], []
    for path in paths:
        match = _first_match(path, kinds)
        if match is None:
            others.append(path)
        else:
            problems += _add(drafts, path, *match, band_count)
    whole = [draft for draft in drafts.values() if draft.bands]
    problems += [('masks without bands', draft.example) for draft in drafts.values() if not draft.bands and draft.masks]
    return _of_one_product(whole, others, problems, wanted=product)


def _of_one_product(drafts: list[Draft], others: list[str], problems: Problems, *, wanted: str) -> Found:
    """Keep the captures of one product: those of two are no pairs."""
    counts = Counter(draft.kind.product for draft in drafts)
    name = wanted if wanted != AUTO else next((product for product, _ in counts.most_common(1)), '')
    if wanted == AUTO and counts[name] < len(others):
        reason = 'a file of {} among others; index it apart'
        left = [(reason.format(draft.kind.product), draft.example) for draft in drafts]
        return Found('', [], others, problems + left)
    problems = problems + [(f'no file name of {name}, as most here; index it apart', path) for path in others]
    reason = f'{{}} where most captures are {name}; index it apart (--product)'
    problems += [(reason.format(d.kind.product), d.example) for d in drafts if d.kind.product != name]
    return Found(name, [draft for draft in drafts if draft.kind.product == name], [], problems)


def _first_match(path: str, kinds: Iterable[FileKind]) -> tuple[FileKind, re.Match[str]] | None:
    plain = path.replace(os.sep, '/')
    return next(((kind, match) for kind in kinds if (match := kind.pattern.search(plain))), None)


def _add(
    drafts: dict[tuple[str, ...], Draft],
    path: str,
    kind: FileKind,
    match: re.Match[str],
    band_count: Callable[[str], int],
) -> Problems:
    """Add a file to its capture."""
    told = match.groupdict(default='')
    layer, resolution = told.get('layer', ''), int(told.get('resolution') or 0)
    if layer and layer not in kind.bands and layer not in kind.masks:
        known = layer in kind.extras
        return [(f'{layer} is {"no band" if known else "no band that is known"} of {kind.product}', path)]
    draft = drafts.setdefault(
        kind.identity(match), Draft(kind, told.get('date', ''), told.get('sensor') or kind.sensor)
    )
    problems = []
    for name, number in _bands_of(kind, layer, path, band_count):
        draft.kind = kind
        problems += _put(draft.bands, resolution, Layer(name, path, number))
    for name, codes in kind.masks.items():
        if layer in ('', name):
            draft.codes[name] = codes
            problems += _put(draft.masks, resolution, Layer(name, path, codes.band))
    return problems


def _bands_of(kind: FileKind, layer: str, path: str, band_count: Callable[[str], int]) -> Iterable[tuple[str, int]]:
    """Names and numbers of the bands of a file."""
    if layer:
        return [(layer, 1)] if layer in kind.bands else []
    there = band_count(path) if kind.bands else 0
    return [(name, number) for number, name in enumerate(kind.bands, start=1) if number <= there]


def _put(layers: dict[str, tuple[int, Layer]], resolution: int, layer: Layer) -> Problems:
    """Keep the finest of several files of one layer."""
    other = layers.get(layer.name)
    if other is not None and other[0] == resolution:
        return [(f'another copy of {layer.name} of the same capture', layer.path)]
    if other is None or resolution < other[0]:
        layers[layer.name] = (resolution, layer)
    return []
