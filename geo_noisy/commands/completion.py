"""``geo-noisy completion``: what makes a shell complete commands, their options and files."""

import argparse
import contextlib
import io
import re
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Literal

import shtab

from geo_noisy.commands.listing import COMMANDS
from geo_noisy.commands.parsing.options import Options

_OPTION = re.compile(r'^ +(?:-\w(?: \w+)?, )?(--[\w.-]+)', re.MULTILINE)


def run(command: str, words: Sequence[str]) -> int:
    """Print the script."""
    options = Options(command, __doc__)
    options.take(completion_script, 'completion', positional='shell')
    print(options.parse(words).call(completion_script))
    return 0


def completion_script(shell: Literal['bash', 'zsh']) -> str:
    """The script that completes ``geo-noisy`` in a shell.

    Args:
        shell: Bash: geo-noisy completion bash > ~/.local/share/bash-completion/completions/geo-noisy; zsh: geo-noisy
            completion zsh > a folder of $fpath, as _geo-noisy.
    """
    parser = argparse.ArgumentParser(prog='geo-noisy')
    commands = parser.add_subparsers()
    for wish in COMMANDS.values():
        for name, (module, text) in wish.items():
            command = commands.add_parser(name, help=text, add_help=False)
            for option in options_of(name, module):
                command.add_argument(option).complete = shtab.FILE  # type: ignore[attr-defined]
            command.add_argument('files', nargs='*').complete = shtab.FILE  # type: ignore[attr-defined]
    script: str = shtab.complete(parser, shell=shell)
    return script


def options_of(name: str, module: str) -> list[str]:
    """Options of a command, as its help tells them."""
    if module == 'completion':
        return ['--help']
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # Lightning's, of arguments that are not those of the process
        import_module(f'geo_noisy.commands.{module}').run(name, ['--help'])
    return sorted({option.rstrip('.') for option in _OPTION.findall(printed.getvalue())})
