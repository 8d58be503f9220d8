"""Options of a command, from the signatures and docstrings of the functions that it calls."""

import argparse
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jsonargparse

from geo_noisy.commands.parsing.option_types import Words, words_of
from geo_noisy.commands.parsing.parser_messages import one_paragraph
from geo_noisy.commands.parsing.signatures import Parameter, parameters_of, plain
from geo_noisy.errors import UsageError

_REQUIRED = 'the following arguments are required'  # so the parser says, with names as in Python


@dataclass(frozen=True)
class Taken:
    """The parameters that a command takes from a function.

    Attributes:
        function: What is called with the values, see :meth:`Chosen.call`.
        options: Names of options by the names of the parameters that they fill.
        variadic: The parameter that takes all positional arguments, or empty.
        needs: The option without which the function is not called, or empty.
    """

    function: Callable[..., Any]
    options: Mapping[str, str]
    variadic: str
    needs: str

    def acts(self, values: Mapping[str, Any]) -> bool:
        """Whether the function is called."""
        return not self.needs or bool(values[self.needs])


class Options:
    """The options of one command: ``size_px`` of a function is ``--size-px`` on the command line.

    Args:
        command: Name of the command.
        description: What it does.
    """

    def __init__(self, command: str, description: str | None) -> None:
        self._parser = jsonargparse.ArgumentParser(
            prog=f'geo-noisy {command}',
            description=plain(description or ''),
            print_config=None,
            exit_on_error=False,
            allow_abbrev=False,
        )
        self._words: dict[str, Words] = {}
        self._flags: dict[str, str] = {}
        self._taken: list[Taken] = []

    def add(self, *names: str, hint: Any = str, text: str, **settings: Any) -> None:
        """Add an argument that no function has.

        Args:
            names: ``--output`` and its short form, or the name of a positional argument.
            hint: Its type.
            text: What it is.
            settings: As for ``argparse``: ``required``, ``default``, ``nargs``, ``metavar``.
        """
        action = self._parser.add_argument(*names, type=hint, help=text, **settings)
        self._flags[action.dest] = names[-1]

    def take(
        self,
        function: Callable[..., Any],
        title: str,
        *,
        names: Mapping[str, str] | None = None,
        skip: Sequence[str] = (),
        shared: Sequence[str] = (),
        positional: str = '',
        needs: str = '',
    ) -> None:
        """Take the parameters of a function, a method or a dataclass as options.

        Args:
            function: What will be called with the values.
            title: Title of these options in the help.
            names: Names of options that are not those of the parameters.
            skip: Parameters that come from elsewhere.
            shared: Options that a function before has brought.
            positional: The option that stands without its name.
            needs: The option without which the function is not called; giving another of them is then an error.

        Raises:
            TypeError: If two functions bring one option that is not ``shared``.
        """
        group = self._parser.add_argument_group(title)
        parameters = [parameter for parameter in parameters_of(function) if parameter.name not in skip]
        options = {parameter.name: (names or {}).get(parameter.name, parameter.name) for parameter in parameters}
        for parameter in parameters:
            option = options[parameter.name]
            if option in shared:
                continue
            if option in self._words:
                raise TypeError(f'{option} of {function.__qualname__} is an option already; rename or share it.')
            self._words[option] = words_of(parameter.hint)
            self._flags[option] = option.upper() if option == positional else '--' + option.replace('_', '-')
            self._add(group, option, parameter, positional=option == positional, key=option == needs)
        variadic = ''.join(parameter.name for parameter in parameters if parameter.variadic)
        self._taken.append(Taken(function, options, variadic, needs))

    def _add(self, group: Any, option: str, parameter: Parameter, *, positional: bool, key: bool) -> None:
        settings = {'help': parameter.text, **self._words[option].settings(None if positional else parameter.default)}
        if positional:
            optional = {'nargs': '*'} if key or not parameter.required else {}
            group.add_argument(option, **settings | optional)
        else:
            default = None if key else parameter.default
            default = list(default) if isinstance(default, tuple) else default  # as the parser gives several words
            short = ['-o'] if option == 'output' else []
            group.add_argument(
                *short, self._flags[option], required=parameter.required and not key, default=default, **settings
            )

    def parse(self, words: Sequence[str]) -> 'Chosen':
        """Read a command line.

        Raises:
            UsageError: If it is wrong, or an option is given that cannot act.
        """
        try:
            values = vars(self._parser.parse_args(list(words)))
        except argparse.ArgumentError as error:
            raise UsageError(self._told(one_paragraph(str(error)), words)) from error
        self._refuse_idle(values)
        return Chosen(
            {
                option: self._words[option].value(value, self._flags[option]) if option in self._words else value
                for option, value in values.items()
            },
            self._taken,
        )

    def _refuse_idle(self, values: Mapping[str, Any]) -> None:
        """Nothing that was asked for is passed over in silence."""
        acting = {option for taken in self._taken if taken.acts(values) for option in taken.options.values()}
        for taken in self._taken:
            unused = [option for option in taken.options.values() if option not in acting]
            given = [option for option in unused if values[option] not in ([], self._parser.get_default(option))]
            if given:
                names = ', '.join(self._flags[option] for option in given)
                raise UsageError(f'{names} cannot act without {self._flags[taken.needs]}; give that, too.')

    def _told(self, text: str, words: Sequence[str]) -> str:
        """A message of the parser with the option's name as it is written, and what may have been meant."""
        start, colon, rest = text.partition(': ')
        if start == _REQUIRED:
            rest = ', '.join(self._flags.get(option, option) for option in rest.split(', '))
        flag = self._flags.get(start, start)
        text = f'{flag}{colon}{rest}'
        given = [value for word, value in pairwise(words) if word == flag and value not in text]
        text += f' (given as {given[-1]})' if given else ''  # the parser tells 1e20 as 1e+20
        unknown = re.search(r'nrecognized arguments: (--[\w-]+)', text)
        close = difflib.get_close_matches(unknown[1], self._flags.values(), n=1) if unknown else []
        hint = f'did you mean {close[0]}? ' if close else ''
        return f'{text}; {hint}`{self._parser.prog} --help` lists the options.'


class Chosen:
    """The values of a command line."""

    def __init__(self, values: Mapping[str, Any], taken: Sequence[Taken]) -> None:
        self._values, self._taken = values, taken

    def __getitem__(self, option: str) -> Any:
        """The value of an option."""
        return self._values[option]

    def values(self, function: Callable[..., Any]) -> dict[str, Any]:
        """The values that a function takes, by the names of its parameters."""
        return {name: self._values[option] for name, option in self._taken_from(function).options.items()}

    def call[T](self, function: Callable[..., T], *arguments: Any, **others: Any) -> T:
        """Call a function with its values and, before and beside them, arguments that come from elsewhere."""
        values, variadic = self.values(function), self._taken_from(function).variadic
        more = values.pop(variadic) if variadic else ()
        return function(*arguments, *more, **values | others)

    def _taken_from(self, function: Callable[..., Any]) -> Taken:
        (taken,) = (taken for taken in self._taken if taken.function is function)
        return taken
