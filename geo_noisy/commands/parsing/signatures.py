"""Parameters of a function or a dataclass, with what its docstring says of them."""

import inspect
import re
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

import docstring_parser


@dataclass(frozen=True)
class Parameter:
    """One parameter.

    Attributes:
        name: Its name.
        hint: Its type.
        required: Whether it has no default.
        default: The default, or None.
        variadic: Whether it takes all positional arguments (``*paths``); its type is then a sequence.
        text: What the docstring says of it, without markup.
    """

    name: str
    hint: Any
    required: bool
    default: Any
    variadic: bool
    text: str


def parameters_of(function: Callable[..., Any]) -> list[Parameter]:
    """Parameters in their order, without ``self``.

    What a function hands on as ``**name`` is left to a look at the function that takes it.

    Args:
        function: A function, a method as its class has it, or a dataclass.
    """
    hints, texts = get_type_hints(function), _documented(function)
    every = inspect.signature(function).parameters.values()
    parameters = [item for item in every if item.name != 'self' and item.kind is not item.VAR_KEYWORD]
    return [_described(item, hints[item.name], texts.get(item.name, '')) for item in parameters]


def _described(item: inspect.Parameter, hint: Any, text: str) -> Parameter:
    required, variadic = item.default is item.empty, item.kind is item.VAR_POSITIONAL
    return Parameter(
        name=item.name,
        hint=types.GenericAlias(Sequence, (hint,)) if variadic else hint,
        required=required,
        default=None if required else item.default,
        variadic=variadic,
        text=text,
    )


def _documented(function: Callable[..., Any]) -> dict[str, str]:
    found = docstring_parser.parse(inspect.getdoc(function) or '').params
    return {item.arg_name: plain(item.description or '') for item in found}


def plain(text: str) -> str:
    """Text of a docstring for a terminal: one paragraph without markup."""
    return re.sub(r':\w+:`~?([^`]*)`', r'\1', ' '.join(text.split())).replace('`', '')
