"""Dates and sensors from the names of files, of their folders, or from their tags."""

import os
import re
from collections.abc import Iterable, Sequence

from geo_noisy.regions.dates.formats import Formats, as_formats
from geo_noisy.regions.dates.names import date_in_name, formats_in_names
from geo_noisy.regions.dates.read import seconds
from geo_noisy.regions.files.doubts import Doubt
from geo_noisy.regions.files.opening import open_raster
from geo_noisy.regions.files.problems import RasterProblemError

# How missions name themselves in names of files, as a word: two of them are two sensors
_DESIGNATOR = re.compile(
    r'(?:^|[^a-z0-9])(S[1-3][A-D]?|SENTINEL-?[1-3][A-D]?|L[COTEM]0[1-9]|L[4-9]|LANDSAT-?[1-9]|WV0[1-4]|GE01|QB02|PHR1[AB]|'
    r'PNEO[34]|SPOT[1-7]|PS2|PSB|PSScene|NAIP|ASTER)(?=$|[^a-z0-9])',
    re.IGNORECASE,
)
_NO_TAGS = {'DERIVED_SUBDATASETS', 'SUBDATASETS'}  # domains with addresses of other files


class FileNames:
    """Reads dates and sensors from the names of files, or from their tags, as the user states it."""

    def __init__(
        self, date_regex: str | None, date_format: Formats, date_tag: str | None, sensor_regex: str | None
    ) -> None:
        as_formats(date_format)  # a wrong one is told before any file is looked at
        self.date_regex, self.date_format = date_regex, date_format
        self.date_tag, self.sensor_regex = date_tag, sensor_regex
        self.doubts: tuple[Doubt, ...] = ()

    @property
    def date_stated(self) -> bool:
        """Whether the user says where the date is."""
        return bool(self.date_regex or self.date_tag)

    def look_in_folders(self, paths: Sequence[str]) -> None:
        """Take dates from the names of folders where the name of no file holds one."""
        if self.date_tag or any(self._dated(os.path.basename(path)) for path in paths):
            return
        example = next((path for path in paths if any(self._dated(name) for name in _folders(path))), None)
        if example is not None:
            text = 'no file name holds a date, so those in the names of their folders are taken'
            remedy = '--date-regex, --date-tag or a table says where dates are.'
            self.doubts = (Doubt('dates', text, remedy, len(paths), example),)

    def _dated(self, name: str) -> bool:
        try:
            date_in_name(name, regex=self.date_regex, date_format=self.date_format)
        except ValueError as error:
            return not str(error).startswith('no date')
        return True

    def formats_used(self, paths: Iterable[str]) -> frozenset[str]:
        """Which of the stated formats the dates are written in."""
        if self.date_tag:
            return frozenset(as_formats(self.date_format))
        names = [name for path in paths for name in (_folders(path) if self.doubts else [os.path.basename(path)])]
        return formats_in_names(names, regex=self.date_regex, date_format=self.date_format)

    def time(self, path: str) -> int:
        """When a file was taken.

        Raises:
            RasterProblemError: If neither its tag nor its name tells.
        """
        try:
            if self.date_tag:
                return _tagged_time(path, self.date_tag, self.date_format)
            name = os.path.basename(path)
            if self.doubts:
                name = next(filter(self._dated, _folders(path)), name)
            return date_in_name(name, regex=self.date_regex, date_format=self.date_format)
        except ValueError as error:
            raise RasterProblemError(str(error)) from error

    def sensor(self, path: str, *, product: str = '') -> str:
        """What took a file: as the user's expression finds it, else its product's, else as missions name themselves.

        Args:
            path: The file.
            product: The sensor of its product, where it is of one.

        Returns:
            The sensor; empty where nothing tells.
        """
        name = os.path.basename(path)
        if self.sensor_regex is None:
            designator = None if product else _DESIGNATOR.search(name)
            return designator[1].upper() if designator else product
        match = re.search(self.sensor_regex, name)
        return match[match.lastindex or 0] if match else product


def _folders(path: str) -> list[str]:
    """Names of the folders that a file lies in, the nearest first."""
    return [name for name in reversed(os.path.dirname(path).split('/')) if name]


def _tagged_time(path: str, tag: str, date_format: Formats) -> int:
    with open_raster(path) as file:
        # Beside the usual ones, those of domains, such as ACQUISITIONDATETIME of IMAGERY
        tags: dict[str, str] = {}
        for domain in (None, *sorted(set(file.tag_namespaces()) - _NO_TAGS)):
            tags = file.tags(ns=domain) | tags
    value = tags.get(tag)
    if value is None:
        named = sorted(name for name in tags if 'date' in name.lower() or 'time' in name.lower())
        raise ValueError(f'no tag {tag!r}' + (f', but {", ".join(named)}' if named else ''))
    try:
        return seconds(value, date_format=date_format, where=f'tag {tag!r}', checked=True)
    except ValueError as error:
        raise ValueError(str(error).removesuffix('.')) from error
