"""What an index file must hold: the one schema that it is checked against where it is read."""

from typing import Any, NamedTuple

from geo_noisy.regions.dates.spans import EVER, NEVER
from geo_noisy.regions.rules import LONGEST_DAYS
from geo_noisy.regions.windows.locations import SPLITS, UNASSIGNED

SCHEMA = 3  # 2: bands and masks by name, overpasses, doubts; 3: what is known of each file
_FIRST, _LAST = -2_208_988_800, 4_133_980_800  # 1900 and 2101 in seconds since 1970
_FAR = 1e10  # coordinates
_MOST = 2**31 - 1


class Column(NamedTuple):
    """What the values of a column are: of one kind, and from ``low`` to ``high``."""

    kind: str
    """'whole', 'number', 'text' or 'flag'."""
    low: float = float('-inf')
    high: float = float('inf')
    may_be_empty: bool = False


_ABOVE_0 = 1e-12
_GRID = {
    'crs': Column('text'),
    'x0': Column('number', -_FAR, _FAR),
    'y0': Column('number', -_FAR, _FAR),
    'res_x': Column('number', _ABOVE_0, _FAR),
    'res_y': Column('number', _ABOVE_0, _FAR),
}
SITES = {**_GRID, 'ground': Column('whole', 0, _MOST)}
"""Columns of the grids of the sites."""

FILES = {
    'time': Column('whole', _FIRST, _LAST),
    **_GRID,
    'width': Column('whole', 1, _MOST),
    'height': Column('whole', 1, _MOST),
    'bands': Column('whole', 1, _MOST),
    'dtype': Column('text'),
    'nodata': Column('number', may_be_empty=True),
    'masked': Column('flag'),
    'sensor': Column('text'),
    'cloud': Column('number', 0, 100, may_be_empty=True),
    'coarser': Column('flag'),
    'site': Column('whole', 0, _MOST),
    'col0': Column('number', -_FAR, _FAR),
    'row0': Column('number', -_FAR, _FAR),
    'cols': Column('number', _ABOVE_0, _FAR),
    'rows': Column('number', _ABOVE_0, _FAR),
    'warped': Column('flag'),
    'shift_px': Column('number', 0, 1),
    'capture': Column('whole', 0, _MOST),
}
"""Columns of the captures; those of their bands follow in ``BANDS``."""

BANDS = ('layers', 'masks', 'scales', 'offsets', 'stored')

WINDOWS = {
    'site': Column('whole', 0, _MOST),
    'col': Column('whole', -_MOST, _MOST),
    'row': Column('whole', -_MOST, _MOST),
    'place': Column('whole', 0),
    'split': Column('whole', UNASSIGNED, len(SPLITS) - 1),
}
"""Columns of the locations."""

DATES = {'files': Column('whole', 0, _MOST)}
"""Columns with a list for each location: the captures of its dates."""

ESTIMATES = {'estimate': Column('number', may_be_empty=True)}
"""Column with a list for each location, where there are estimates: one for every two of its dates."""

EVENTS = {
    'event_start': Column('whole', EVER, NEVER),
    'event_stop': Column('whole', EVER, NEVER),
    'event_recovered': Column('whole', EVER, NEVER),
    'event_share': Column('number', 0, 1),
}
"""Columns with a list for each location, beside ``event_wkb``: what changed there."""

_WHOLE = {'type': 'integer', 'minimum': 1, 'maximum': _MOST, 'description': 'a whole number from 1'}
_TEXT = {'type': 'string', 'description': 'text'}
_COUNT = {'type': 'integer', 'minimum': 0, 'description': 'a whole number from 0'}
_NUMBER = {'type': 'number', 'description': 'a number'}
_TABLE = {'type': 'object', 'additionalProperties': {'type': 'array'}, 'description': 'columns of values'}


def _list_of(item: dict[str, Any], what: str) -> dict[str, Any]:
    return {'type': 'array', 'items': item, 'description': f'a list of {what}'}


def _row(*items: dict[str, Any]) -> dict[str, Any]:
    return {'type': 'array', 'prefixItems': list(items), 'minItems': len(items), 'maxItems': len(items),
            'description': f'{len(items)} values'}  # fmt: skip


def _mapping(properties: dict[str, Any], *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {'type': 'object', 'properties': properties, 'required': required, 'additionalProperties': False,
            'description': 'a mapping'}  # fmt: skip


_MASK = {
    'name': _TEXT,
    'band': _WHOLE,
    'nodata': _list_of({'type': 'integer', 'description': 'a whole number'}, 'values'),
    'nodata_bits': _list_of({**_COUNT, 'maximum': 62}, 'bits'),
    'cloud': _list_of({'type': 'integer', 'description': 'a whole number'}, 'values'),
    'cloud_bits': _list_of({**_COUNT, 'maximum': 62}, 'bits'),
}
_CONTENT = {
    'product': _TEXT,
    'bands': _list_of(_TEXT, 'names'),
    'categorical': _list_of(_TEXT, 'names'),
    'masks': _list_of(_mapping(_MASK), 'masks'),
    'alpha': {'enum': ['', 'data', 'mask'], 'description': "'data', 'mask' or nothing"},
    'nodata': _list_of(_NUMBER, 'numbers'),
    'scales': _list_of(_NUMBER, 'numbers'),
    'offsets': _list_of(_NUMBER, 'numbers'),
    'images_crs': _TEXT,
    'looked_at': _COUNT,
}
_RULES = {
    'min_gap_days': {**_NUMBER, 'minimum': 0, 'maximum': LONGEST_DAYS, 'description': 'days from 0'},
    'max_gap_days': {'type': ['number', 'null'], 'minimum': 0, 'maximum': LONGEST_DAYS, 'description': 'days, or null'},
    'same_sensor': {'type': 'boolean', 'description': 'true or false'},
    'same_season': {'type': 'boolean', 'description': 'true or false'},
    'single': {'enum': ['drop', 'self'], 'description': "'drop' or 'self'"},
    'min_noise': {**_NUMBER, 'minimum': 0, 'exclusiveMaximum': 1, 'description': 'a number from 0 to below 1'},
}
_STATISTICS = {'mean': _list_of(_NUMBER, 'numbers'), 'std': _list_of(_NUMBER, 'numbers'), 'windows': _WHOLE}
METADATA: dict[str, Any] = _mapping(
    {
        'schema': {'const': SCHEMA, 'description': str(SCHEMA)},
        'size_px': _WHOLE,
        'stride_px': _WHOLE,
        'sites': _TABLE,
        'files': _TABLE,
        'paths': {'type': 'array', 'minItems': 1, 'description': 'a list of the paths of each capture'},
        'root': _TEXT,
        'root_from_here': _TEXT,
        'noise_method': {'enum': ['area', 'raster'], 'description': "'area' or 'raster'"},
        'rules': _mapping(_RULES),
        'statistics': {**_mapping(_STATISTICS), 'type': ['object', 'null']},
        'excluded': _list_of(_row(_TEXT, _TEXT, _COUNT, _TEXT), 'what was left out'),
        'content': _mapping(_CONTENT, optional=('looked_at',)),
        'doubts': _list_of(_row(_TEXT, _TEXT, _TEXT, _COUNT, _TEXT), 'doubts'),
    }
)
"""What stands beside the rows, as JSON; the values of its tables are checked by their columns."""
