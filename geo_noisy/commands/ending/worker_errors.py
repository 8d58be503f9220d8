"""Errors of a loader's worker: what it raised, which arrives with its traceback in the message, and its loss."""

import re
from dataclasses import dataclass

_LOST = ('DataLoader worker (pid', 'DataLoader timed out')
_START = re.compile(r'^Caught \w+ in \w+ worker process')
_FRAME = re.compile(r'^  File "(?P<file>[^"]*)", line (?P<line>\d+), in .*\n(?:    (?P<code>.*)\n)?', re.MULTILINE)
_NAME = re.compile(r'^[\w.]+: ')


@dataclass(frozen=True)
class WorkerError:
    """What a worker raised, and where.

    Attributes:
        text: Its message.
        file: Source file of the innermost frame.
        line: Line in it.
        code: That line.
    """

    text: str
    file: str
    line: int
    code: str


def lost_worker(error: BaseException) -> str | None:
    """What to tell of a worker that was killed or stopped; None of any other error.

    PyTorch raises it by a signal's handler, wherever the main process happens to be.
    """
    if not isinstance(error, RuntimeError) or not str(error).startswith(_LOST):
        return None
    return (
        f'{" ".join(str(error).split()).rstrip(".")}. A worker that reads images was killed, as where memory is '
        'short, or gave no batch in time: lower num_workers, and look at the images.'
    )


def worker_error(message: str) -> WorkerError | None:
    """Read the message of an error that PyTorch raised again in the main process; None of any other message."""
    frames = list(_FRAME.finditer(message)) if _START.match(message) else []
    if not frames:
        return None
    last = frames[-1]
    lines = message[last.end() :].splitlines()
    told = [line for line in lines if not re.fullmatch(r'\s+[\^~]+\s*', line)]  # carets under the code
    text = _NAME.sub('', '\n'.join(told)).strip()
    return WorkerError(text, last['file'], int(last['line']), last['code'] or '')
