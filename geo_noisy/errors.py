"""What a command tells apart: a wrong command line or config, and an input that cannot serve.

A check of an argument raises ``ValueError`` as everywhere in Python; what is read from a file and found wanting raises
:class:`InputError`. Both carry one message: the value, its place, the remedy.
"""


def printable(text: str) -> str:
    r"""Text in which a control character, which could move the cursor or colour a terminal, is written out.

    Example:
        >>> print(printable('a\x1b[31m.tif'))
        a\x1b[31m.tif
    """
    return ''.join(c if c.isprintable() or c == '\n' else repr(c)[1:-1] for c in text)


class UsageError(ValueError):
    """The command line or a config is wrong; a command ends with exit status 2."""


class InputError(ValueError):
    """What was read cannot serve: a damaged or foreign file, a table that lacks a column; exit status 1."""


def check_kind(value: object, kind: type, name: str) -> None:
    """Refuse a mapping, or anything else, in place of a settings object.

    Args:
        value: What was given.
        kind: Class that it must be of.
        name: Name of the argument.

    Raises:
        TypeError: If it is of another, with what to give.

    Example:
        >>> check_kind({'a': 1}, int, 'size')
        Traceback (most recent call last):
        TypeError: size is a dict; give int(a=1).
    """
    if not isinstance(value, kind):
        settings = ', '.join(f'{key}={held!r}' for key, held in value.items()) if isinstance(value, dict) else '...'
        raise TypeError(f'{name} is a {type(value).__name__}; give {kind.__name__}({settings}).')
