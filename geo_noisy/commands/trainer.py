"""``geo-noisy fit|validate|test|predict``: TorchGeo's command line, with our names and one paragraph an error."""

import argparse
import os
import pickle
import re
import struct
import sys
import traceback
from collections.abc import Iterator, Sequence

import torchgeo.main  # noqa: F401  # makes TorchGeo's class names known
from lightning.pytorch.callbacks import BasePredictionWriter
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from torchgeo.datamodules import BaseDataModule
from torchgeo.tasks import BaseTask

import geo_noisy.datamodules
import geo_noisy.tasks
from geo_noisy import __version__
from geo_noisy.commands.ending.explain import is_download
from geo_noisy.commands.parsing.checkpoint_arguments import check_checkpoint, replaced
from geo_noisy.commands.parsing.config_words import check_config, config_files, written_out
from geo_noisy.commands.parsing.default_pictures import add_pictures
from geo_noisy.commands.parsing.guesses import meant
from geo_noisy.commands.parsing.parser_messages import one_paragraph
from geo_noisy.commands.parsing.trainer_ranges import check_trainer
from geo_noisy.errors import InputError, UsageError
from geo_noisy.home_paths import with_homes

_GDAL = {
    'GDAL_MAX_RAW_BLOCK_CACHE_SIZE': '200000000',
    'GDAL_SWATH_SIZE': '200000000',
    'VSI_CURL_CACHE_SIZE': '200000000',
}
"""The caches of :mod:`torchgeo.main`. Not its ``EMPTY_DIR`` and unsigned requests: world files and private buckets
would not be seen."""

# What arguments from a config make constructors raise; damaged files (OSError) and the rest pass through.
_WRONG_ARGUMENTS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError)
_UNWRITTEN = (
    'geo-noisy: no callback writes what is predicted, so nothing is kept: add geo_noisy.tasks.PredictionWriter with a '
    'folder to trainer.callbacks.'
)
_READERS = ('torch.serialization', 'lightning.pytorch.utilities.migration.utils')
_NO_TRAINING = 'it holds no state of a training. Weights alone are given as model.init_args.weights'
_NO_CHECKPOINT = 'it is cut short, empty or no PyTorch file, or holds code besides weights, which is not run'


class _Trainer(LightningCLI):
    """LightningCLI that tells a wrong config apart from a run that failed."""

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse the words of the command, and keep what they say of the model: a checkpoint may say otherwise."""
        super().parse_arguments(parser, args)
        self.config = with_homes(self.config)
        self.stated = self.config.clone()
        check_checkpoint(self.config[self.config.subcommand].ckpt_path)

    def before_instantiate_classes(self) -> None:
        """Have checkpoints read without the code in them, and tell where they stand in place of the config.

        For addresses Lightning's default is to run code; for files it takes the model's arguments from the checkpoint.
        """
        config = self.config[self.subcommand]
        check_trainer(config.trainer)
        if config.weights_only is None:
            config.weights_only = True
        if self.subcommand == 'fit':
            add_pictures(config)
        for line in replaced(self.stated[self.subcommand].model, config.model, checkpoint=config.ckpt_path):
            print(f'geo-noisy: {line}', file=sys.stderr)

    def before_predict(self) -> None:
        """Say where predictions go that no callback writes."""
        callbacks = vars(self.trainer)['callbacks']  # Lightning declares none
        if not any(isinstance(callback, BasePredictionWriter) for callback in callbacks):
            print(_UNWRITTEN, file=sys.stderr)

    def instantiate_classes(self) -> None:
        """Make trainer, model and data; what they refuse is told as a wrong config, or as a wrong input."""
        try:
            super().instantiate_classes()
        except _WRONG_ARGUMENTS as error:
            for cause in _causes(error):
                if isinstance(cause, InputError) or is_download(cause):
                    raise cause from error
            if _is_no_checkpoint(error):
                raise
            raise UsageError(_wrong_config(error)) from error


def run(command: str, words: Sequence[str]) -> int:
    """Run TorchGeo's command line, with the names of this package importable by class name.

    Raises:
        UsageError: If an option or a config is wrong.
        InputError: If a checkpoint cannot be read.
    """
    for package in (geo_noisy.datamodules, geo_noisy.tasks):
        for name in package.__all__:  # what is imported at first use has no name before
            getattr(package, name)
    os.environ.update(_GDAL)
    args = [command, *written_out(words)]
    for path in config_files(words):
        check_config(path)
    try:
        _Trainer(
            model_class=BaseTask,
            datamodule_class=BaseDataModule,
            seed_everything_default=0,
            parser_kwargs={'version': __version__, 'prog': 'geo-noisy', 'exit_on_error': False, 'allow_abbrev': False},
            subclass_mode_model=True,
            subclass_mode_data=True,
            save_config_kwargs={'overwrite': True},
            # LightningCLI warns of arguments given beside those of the process.
            args=None if args == sys.argv[1:] else args,
        )
    except argparse.ArgumentError as error:
        read = ' and '.join(config_files(words))
        of = f' (of {read} or the command line)' if read else ''
        raise UsageError(f'{one_paragraph(str(error))}{of}; {_help(command, str(error))}') from error
    except (pickle.UnpicklingError, struct.error, EOFError, OSError, *_WRONG_ARGUMENTS) as error:
        if isinstance(error, InputError) or not _is_no_checkpoint(error):
            raise
        reason = _NO_TRAINING if isinstance(error, KeyError) else _NO_CHECKPOINT
        raise InputError(f'The checkpoint ({_named(words)}) cannot be read: {reason}.') from error
    return 0


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it: jsonargparse wraps what constructors raise."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_no_checkpoint(error: BaseException) -> bool:
    """Whether reading a checkpoint is behind an error; of a foreign file torch's reader raises nearly anything."""
    frames = (frame for cause in _causes(error) for frame, _ in traceback.walk_tb(cause.__traceback__))
    return any(frame.f_globals.get('__name__') in _READERS for frame in frames)


def _named(words: Sequence[str]) -> str:
    """The words that name a checkpoint."""
    for number, word in enumerate(words):
        if word.startswith('--ckpt_path'):
            return word if '=' in word else ' '.join(words[number : number + 2])
    return 'of the config'


def _help(command: str, message: str) -> str:
    config = re.search(r'nrecognized arguments: (\S+\.ya?ml)', message)
    if config:
        return f'did you mean --config {config[1]}?'
    part = next((f'{part}.help CLASS' for part in ('model', 'data') if f'"{part}' in message), 'help')
    guess = meant(message)
    return f'{f"did you mean {guess}? " if guess else ""}`geo-noisy {command} --{part}` lists what there is.'


def _wrong_config(error: Exception) -> str:
    text = one_paragraph(str(error.args[0] if isinstance(error, KeyError) and error.args else error))
    return text if isinstance(error, ValueError) else f'the config does not fit: {type(error).__name__}: {text}'
