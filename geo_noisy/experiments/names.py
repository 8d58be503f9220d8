"""Names that users chose, made safe for the places they go to: files, Markdown, figures, CSV."""

import hashlib
import re
import textwrap

LONGEST_FILE_NAME = 80
_FORMULA = ('=', '+', '-', '@')


def plain(text: str) -> str:
    """One line without control characters, such as those that colour a terminal."""
    return ' '.join(''.join(c if c.isprintable() else ' ' for c in text).split())


def file_name(text: str) -> str:
    """Lower-case letters, digits, dots, dashes and underscores; a long name is cut, and ends in a digest of it all.

    Example:
        >>> file_name('MoCo, lr=1e-3 ../x')
        'moco_lr_1e-3_.._x'
    """
    name = re.sub(r'[^a-z0-9.-]+', '_', plain(text).lower()).strip('_')
    if len(name) <= LONGEST_FILE_NAME:
        return name
    return f'{name[: LONGEST_FILE_NAME - 9]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}'


def markdown(text: str) -> str:
    r"""Text as it is in a cell of a Markdown table: no column, tag, formula or code of its own.

    Example:
        >>> print(markdown('a|b <b>'))
        a\|b &lt;b>
    """
    return re.sub(r'([\\|`$*\[\]])', r'\\\1', plain(text)).replace('&', '&amp;').replace('<', '&lt;')


def figure_text(text: str, *, width: int = 48) -> str:
    """Text as it is in a figure, not as a formula, in lines of some width."""
    return textwrap.fill(plain(text), width).replace('$', r'\$')


def csv_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe stands before it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def from_csv(text: str) -> str:
    """Text as it was before :func:`csv_text`."""
    return text[1:] if text.startswith(tuple(f"'{sign}" for sign in _FORMULA)) else text
