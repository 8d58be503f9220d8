"""Where every command ends: an exit status, and one paragraph where something was wrong."""

import contextlib
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from types import FrameType

from geo_noisy.commands.ending.explain import explain
from geo_noisy.errors import printable

_STDOUT = 1  # its file descriptor


def run_command(command: Callable[[], int], *, debug: bool = False) -> int:
    """Run a command to its end.

    Args:
        command: What to run; returns an exit status.
        debug: Whether to show the traceback of an error as well.

    Returns:
        Exit status: 0 when all went well; 1 when an input or the run failed; 2 when the command line or a config is
        wrong; 128 + n when ended by signal n.
    """
    with _noting_sigterm() as received:
        status = _run(command, debug=debug)
    return _stopped(received[0]) if received else status


def _run(command: Callable[[], int], *, debug: bool) -> int:
    try:
        status = command()
        sys.stdout.flush()  # a reader that left shows here, not after the end
        return status
    except KeyboardInterrupt:
        return _stopped(signal.SIGINT)
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # Lightning turns Ctrl-C into exit(1)
            return _stopped(signal.SIGINT)
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BrokenPipeError as error:
        return 128 + signal.SIGPIPE if _reader_left() else _failed(error, debug=debug)
    except Exception as error:  # the one place where all errors end
        return _failed(error, debug=debug)


def _failed(error: Exception, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    status, text = explain(error)
    print(f'geo-noisy: {printable(text)}', file=sys.stderr)
    return status


def _stopped(number: int) -> int:
    print(f'geo-noisy: stopped by {signal.Signals(number).name}.', file=sys.stderr)
    return 128 + number


def _reader_left() -> bool:
    """Whether nobody reads the output any more (``| head``); then what is left of it goes nowhere."""
    output = select.poll()
    output.register(_STDOUT, 0)
    left = any(event & select.POLLERR for _, event in output.poll(0))
    if left:
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
    return left


@contextlib.contextmanager
def _noting_sigterm() -> Iterator[list[int]]:
    """Keep SIGTERM and SIGINT as they were, and note a SIGTERM, which Lightning answers by a stop with exit status 0.

    While Lightning trains, its own handler ends the run at the next batch, and calls this one beside; at all other
    times this one ends the run.
    """
    received: list[int] = []

    def _note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if signal.getsignal(number) is _note:
            raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # where Python allows no handlers
        yield received
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, _note)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
