"""The command line: TorchGeo's trainer with our names, and commands of our own."""

import argparse
import sys
from collections.abc import Callable, Sequence

TRAINER_COMMANDS = ('fit', 'validate', 'test', 'predict')


def main(args: Sequence[str] | None = None) -> int:
    """Run a command.

    ``fit``, ``validate``, ``test`` and ``predict`` are TorchGeo's LightningCLI; the other commands print their
    own help.

    Args:
        args: Words of the command line; those of the process by default.

    Returns:
        Exit status: 0 when all went well, 2 when the input was wrong.
    """
    words = list(sys.argv[1:] if args is None else args)
    if words and words[0] in TRAINER_COMMANDS:
        return run_trainer(words)
    parser = _parser()
    parsed = parser.parse_args(words)
    if not hasattr(parsed, 'run'):
        parser.print_help()
        return 2
    try:
        return int(parsed.run(parsed))
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f'geo-noisy: {error}', file=sys.stderr)
        return 2


def run_trainer(words: list[str]) -> int:
    """Run TorchGeo's command line, with the names of this package importable by class name."""
    import torchgeo.main

    import geo_noisy.datamodules
    import geo_noisy.tasks  # noqa: F401  # importing makes the class names known

    # LightningCLI warns of arguments given beside those of the process.
    torchgeo.main.main(None if words == sys.argv[1:] else words)
    return 0


def _parser() -> argparse.ArgumentParser:
    from geo_noisy import __version__

    parser = argparse.ArgumentParser(
        prog='geo-noisy', description='Contrastive pretraining from temporal image pairs that may be noisy.'
    )
    parser.add_argument('--version', action='version', version=__version__)
    commands = parser.add_subparsers(title='commands', metavar='COMMAND')
    for name in TRAINER_COMMANDS:
        commands.add_parser(name, help=f'{name} from a YAML file, as `torchgeo {name}` does')
    _add_own_commands(commands)
    return parser


def _add_own_commands(commands: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    from geo_noisy.audit import command as index
    from geo_noisy.datasets.vts import scenes
    from geo_noisy.experiments import command as experiments

    def _add(name: str, text: str, add_arguments: Callable[..., None], run: Callable[..., int]) -> None:
        command = commands.add_parser(name, help=text, description=text)
        add_arguments(command)
        command.set_defaults(run=run)

    _add('index', 'find temporal pairs in images, and say how noisy they are', index.add_arguments, index.run)
    _add('scenes', 'write synthetic scenes at several dates, with polygons of change', scenes.add_arguments, scenes.run)
    _add(
        'demo',
        'pretrain, probe and compare on a small synthetic data set',
        experiments.add_demo_arguments,
        experiments.run_demo,
    )
    _add(
        'sweep',
        'run a grid of experiments and compare its cells',
        experiments.add_sweep_arguments,
        experiments.run_sweep,
    )
    _add(
        'report',
        "draw the paper's figures from tables of results, and judge its claims",
        experiments.add_report_arguments,
        experiments.run_report,
    )


if __name__ == '__main__':
    sys.exit(main())
