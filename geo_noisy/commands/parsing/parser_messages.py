"""From jsonargparse's nested messages, of up to 70 lines, to one paragraph: which key, what is wrong with it."""

import re
from typing import NamedTuple

_KEY = re.compile(r'^Parser key "(?P<key>[^"]*)"(?: element \d+)?:\s*(?P<rest>.*)$')
_NOISE = re.compile(
    r'^(Does not validate against any of the Union subtypes|Subtypes: .*|Errors:|Given value type: .*|'
    r'Problem with given class_path .*:|Given value: (NestedArg|Namespace|\{).*)$'
)
_NO_CHOICE = "Expected a <class 'NoneType'>"  # what an optional value says of itself, beside the real problem


class _Problem(NamedTuple):
    keys: tuple[str, ...]
    text: str


def one_paragraph(message: str) -> str:
    """The innermost problem of a message, with the dotted key that it is about.

    Args:
        message: What jsonargparse says, over several lines.

    Returns:
        One line, such as ``data.policy.rate: expected float, got abc``. A message of one line stays.
    """
    problems = [problem for problem in _problems(message) if problem.text != _NO_CHOICE]
    if not problems:
        return ' '.join(message.split())
    keys = max((problem.keys for problem in problems), key=len)
    texts = dict.fromkeys(problem.text for problem in problems if problem.keys == keys)
    text = re.sub(r"Expected an? <class '(?:[\w.]*\.)?(\w+)'>", r'expected \1', '; '.join(texts))
    text = re.sub(r'Expected an? typing\.Literal\[([^]]*)\]', r'expected one of \1', text)
    text = re.sub(r'[.;] (?:Got value|Given value): ', ', got ', text)
    return f'{".".join(keys)}: {text}' if keys else text


def _problems(message: str) -> list[_Problem]:
    """Lines that say something, each with the keys that it stands under by its indentation."""
    found: list[_Problem] = []
    stack: list[tuple[int, str]] = []
    for line in filter(str.strip, message.splitlines()):
        text = line.strip()
        depth = len(line) - len(line.lstrip())
        text, depth = (text[2:], depth + 2) if text.startswith('- ') else (text, depth)
        stack = [(at, key) for at, key in stack if at < depth]
        match = _KEY.match(text)
        if match:
            stack.append((depth, match['key']))
            text = match['rest']
        if text and not _NOISE.match(text):
            found.append(_Problem(tuple(key for _, key in stack), text))
    return found
