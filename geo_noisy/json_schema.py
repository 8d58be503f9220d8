"""JSON of others, checked against a schema: what does not fit, and where."""

import math
import reprlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jsonschema


class Misfit(NamedTuple):
    """Something that does not fit a schema."""

    place: str
    """Where it is, as ``files.crs[2]``; empty for the whole."""
    told: str
    """What is there or lacks, as ``is 512, not 1024``."""


def is_finite(value: Any) -> bool:
    """Whether a value is a number, neither NaN nor infinite nor true or false."""
    return type(value) is int or (type(value) is float and math.isfinite(value))


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine('number', lambda _, value: is_finite(value)),
)


def errors_of(content: Any, schema: Mapping[str, Any]) -> Iterator[jsonschema.ValidationError]:
    """All that does not fit; NaN and infinite values are no numbers."""
    yield from _Validator(schema).iter_errors(content)


def misfits(content: Any, schema: Mapping[str, Any]) -> Iterator[Misfit]:
    """All that does not fit, in words; parts of the schema say by their ``description`` what is due."""
    for error in errors_of(content, schema):
        place = ''.join(f'[{part}]' if isinstance(part, int) else f'.{part}' for part in error.absolute_path)
        place = place.removeprefix('.')
        if error.validator == 'required':
            for name in error.validator_value:
                if name not in error.instance:
                    yield Misfit(f'{place}.{name}'.removeprefix('.'), 'is missing')
        else:
            due = error.schema.get('description', error.message)
            yield Misfit(place, f'is {reprlib.repr(error.instance)}, not {due}')
