"""The command line: picks a command, and imports nothing heavy before."""

import difflib
import sys
from collections.abc import Sequence
from importlib import import_module

from geo_noisy import __version__
from geo_noisy.commands.ending.boundary import run_command
from geo_noisy.commands.listing import COMMANDS
from geo_noisy.errors import UsageError
from geo_noisy.home_paths import with_home

_MODULES = {name: module for commands in COMMANDS.values() for name, (module, _) in commands.items()}


def main(args: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        args: Words of the command line; those of the process by default.

    Returns:
        Exit status: 0 when all went well; 1 when an input or the run failed; 2 when the command line or a config is
        wrong; 128 + n when ended by signal n.
    """
    words = list(sys.argv[1:] if args is None else args)
    debug = '--debug' in words
    words = [_written_out(word) for word in words if word != '--debug']
    return run_command(lambda: _run(words), debug=debug)


def _written_out(word: str) -> str:
    """A word with the home folder written out; shells leave that to commands in ``--output=~/pairs.parquet``."""
    option, equals, value = word.partition('=')
    return option + equals + with_home(value) if equals and option.startswith('-') else with_home(word)


def _run(words: Sequence[str]) -> int:
    name, *rest = words or ['']
    if name == '--version':
        print(__version__)
        return 0
    if name in ('', '-h', '--help'):
        print(_help())
        return 0 if name else 2
    if name not in _MODULES:
        close = difflib.get_close_matches(name, _MODULES, n=1)
        hint = f'did you mean {close[0]}?' if close else '`geo-noisy --help` lists them.'
        raise UsageError(f'there is no {"option" if name.startswith("-") else "command"} {name!r}; {hint}')
    module = import_module(f'geo_noisy.commands.{_MODULES[name]}')
    status: int = module.run(name, rest)
    return status


def _help() -> str:
    lines = ['Contrastive pretraining from temporal image pairs that may be noisy.', '']
    lines += ['usage: geo-noisy COMMAND ...', '       geo-noisy COMMAND --help', '       geo-noisy --version']
    for want, commands in COMMANDS.items():
        lines += ['', f'{want}:', *(f'  {name:<12}{text}' for name, (_, text) in commands.items())]
    lines += [
        '',
        'With --debug, an error shows where it came from. Exit status: 0 all went well, 1 an input or the run',
    ]
    lines += ['failed, 2 the command line or a config is wrong, 128 + n ended by signal n.']
    return '\n'.join(lines)


if __name__ == '__main__':
    sys.exit(main())
