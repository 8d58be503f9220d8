"""From an error to one paragraph and an exit status."""

import argparse
import dis
from pathlib import Path
from types import TracebackType

import geo_noisy
from geo_noisy.commands.ending.worker_errors import lost_worker, worker_error
from geo_noisy.errors import InputError, UsageError

FAILED, WRONG = 1, 2
_PACKAGE = str(Path(geo_noisy.__file__).parent)
_ARGUMENTS = (ValueError, TypeError, LookupError)
_PATHS = (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError)
_CHECKING = ('lightning.', 'torch.utils.data.')  # their messages name the argument and its value
_READERS = frozenset({'rasterio', 'pyogrio', 'pyarrow', 'zipfile', 'zlib', 'lzma', 'pickle', '_pickle', 'PIL', 'yaml'})


def explain(error: BaseException) -> tuple[int, str]:
    """Exit status and message of an error.

    Args:
        error: What a command raised.

    Returns:
        2 and the message where the command line or a config is wrong: a wrong option, a value that one of our checks
        refuses, a path that leads nowhere. 1 where an input or the run failed; what nobody foresaw says so.
    """
    if isinstance(error, UsageError | argparse.ArgumentError):
        return WRONG, _text(error)
    if is_download(error):
        return FAILED, _text(error)
    if isinstance(error, OSError):
        return WRONG if isinstance(error, _PATHS) else FAILED, _text(error)
    if isinstance(error, InputError):
        return FAILED, _text(error)
    if (lost := lost_worker(error)) is not None:
        return FAILED, lost
    if _is_our_check(error):
        return WRONG if isinstance(error, _ARGUMENTS) else FAILED, _text(error)
    name = type(error).__name__
    if isinstance(error, UnicodeDecodeError):
        return FAILED, f'an input is no text in UTF-8: {error} (in {_place(error)}; --debug shows the rest)'
    if name == 'MisconfigurationException' or _is_argument_check(error):
        return WRONG, _text(error)
    if type(error).__module__.split('.')[0] in _READERS:
        return FAILED, f'an input cannot be read: {name}: {_text(error)} (in {_place(error)}; --debug shows the rest)'
    return FAILED, f'this is unexpected: {name}: {_text(error)} in {_place(error)}; run again with --debug.'


def is_download(error: BaseException) -> bool:
    """Whether weights of a hub could not be fetched; some of these errors say that a file is not found."""
    return type(error).__module__.split('.')[0] == 'huggingface_hub'


def _is_argument_check(error: BaseException) -> bool:
    """Whether Lightning or a loader of PyTorch refuses a value on purpose."""
    trace = _innermost(error)
    if trace is None or not isinstance(error, ValueError) or not _is_raise(trace):
        return False
    return str(trace.tb_frame.f_globals.get('__name__')).startswith(_CHECKING)


def _text(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f'{error.filename}: {error.strerror}.'
    if isinstance(error, _PATHS) and ' ' not in str(error):  # some libraries give the path alone
        return f'{error}: no such file or folder.'
    message = str(error.args[0] if isinstance(error, KeyError) and error.args else error).strip()
    worker = worker_error(message)
    return (worker.text if worker else message) or 'no message'


def _innermost(error: BaseException) -> TracebackType | None:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace


def _is_our_check(error: BaseException) -> bool:
    """Whether a ``raise`` of this package made the error; what Python itself raises on our lines is unforeseen."""
    worker = worker_error(str(error))
    if worker is not None:
        return worker.file.startswith(_PACKAGE) and worker.code.startswith('raise ')
    trace = _innermost(error)
    if trace is None or not trace.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        return False
    return _is_raise(trace)


def _is_raise(trace: TracebackType) -> bool:
    return trace.tb_frame.f_code.co_code[trace.tb_lasti] == dis.opmap['RAISE_VARARGS']


def _place(error: BaseException) -> str:
    worker = worker_error(str(error))
    if worker is not None:
        return f'{worker.file}:{worker.line}'
    trace = _innermost(error)
    return 'an unknown place' if trace is None else f'{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}'
