"""Files of no known product that go with another by their names: ``scene_20200101_mask.tif`` beside its scene."""

import os
import re
from collections.abc import Sequence

_COMPANION = re.compile(
    r'(?P<of>.+)[-_. ](?:(?:(?:cloud|clear|data|valid|nodata|snow|shadow|water|quality)[-_]?)?mask|clouds?|udm2?|'
    r'qa(?:[-_]?pixel)?|fmask|scl|preview|browse|thumb(?:nail)?|quick[-_]?look|ql|overview)',
    re.IGNORECASE,
)  # fmt: skip


def without_companions(paths: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Files without the masks and previews of others.

    Args:
        paths: Files of no known product.

    Returns:
        The files that stand for themselves, and (reason, example) of each other.
    """
    stems = {path: os.path.splitext(path)[0] for path in paths}
    known = set(stems.values())
    beside = {path for path, stem in stems.items() if (match := _COMPANION.fullmatch(stem)) and match['of'] in known}
    reason = 'by its name a mask or a preview of another file here; --product none takes each file by itself'
    return [path for path in paths if path not in beside], [(reason, path) for path in sorted(beside)]
