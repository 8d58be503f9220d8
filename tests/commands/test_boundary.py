"""Every command ends with one paragraph and an exit status that says who has to act."""

import os
import pickle
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Never

import pytest
from torch.utils.data import DataLoader, Dataset

from geo_noisy.commands.ending.boundary import run_command
from geo_noisy.commands.ending.explain import explain
from geo_noisy.errors import InputError, UsageError
from geo_noisy.main import main
from geo_noisy.pairs import PairPolicy


def raising(error: BaseException) -> Callable[[], Never]:
    def _raise() -> Never:
        raise error

    return _raise


def caught(function: Callable[[], object]) -> Exception:
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError('nothing was raised')


@pytest.mark.parametrize(
    ('cause', 'status', 'start'),
    [
        (raising(UsageError('no such option')), 2, 'no such option'),
        (raising(InputError('pairs.parquet is cut short')), 1, 'pairs.parquet is cut short'),
        (lambda: PairPolicy(rate=7), 2, 'PairPolicy.rate is 7; the noisy pairs rate must lie in [0, 1].'),
        (lambda: Path('nowhere.tif').read_bytes(), 2, 'nowhere.tif: No such file or directory.'),
        (raising(FileNotFoundError('nowhere.parquet')), 2, 'nowhere.parquet: no such file or folder.'),
        (raising(PermissionError(13, 'Permission denied', 'x.tif')), 1, 'x.tif: Permission denied.'),
        (raising(OSError(28, 'No space left on device', 'x.tif')), 1, 'x.tif: No space left on device.'),
        (lambda: zipfile.ZipFile(__file__), 1, 'an input cannot be read: BadZipFile: File is not a zip file'),
        (lambda: pickle.loads(b'no'), 1, 'an input cannot be read: UnpicklingError'),
        (lambda: None + 1, 1, 'this is unexpected: TypeError: unsupported operand'),  # type: ignore[operator]
        (lambda: {}['key'], 1, 'this is unexpected: KeyError: key in '),
        (
            lambda: DataLoader([], batch_size=0),
            2,
            'batch_size should be a positive integer value, but got batch_size=0',
        ),
        (raising(ValueError('from elsewhere')), 1, f'this is unexpected: ValueError: from elsewhere in {__file__}'),
    ],
)
def test_errors_become_one_paragraph(cause: Callable[[], object], status: int, start: str) -> None:
    found, text = explain(caught(cause))
    assert found == status
    assert text.startswith(start)


class Rates(Dataset):
    """Raises in the worker of a loader what the policy's check raises, or what nobody foresaw."""

    def __init__(self, rate: object) -> None:
        self.rate = rate

    def __len__(self) -> int:
        return 1

    def __getitem__(self, key: int) -> PairPolicy:
        return PairPolicy(rate=self.rate)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ('rate', 'status', 'start'),
    [
        (7, 2, 'PairPolicy.rate is 7; the noisy pairs rate must lie in [0, 1].'),
        ('x', 1, "this is unexpected: TypeError: '<=' not supported between instances of 'int' and 'str' in "),
    ],
)
def test_errors_of_workers_are_as_short(rate: object, status: int, start: str) -> None:
    found, text = explain(caught(lambda: next(iter(DataLoader(Rates(rate), num_workers=1)))))
    assert (found, text[: len(start)]) == (status, start)
    assert '\n' not in text
    assert found == 2 or 'policy.py:' in text


class Slow(Dataset):
    def __len__(self) -> int:
        return 2

    def __getitem__(self, key: int) -> int:
        time.sleep(0 if key == 0 else 60)
        return key


def kill_a_worker(*, elsewhere: bool) -> None:
    batches = iter(DataLoader(Slow(), num_workers=1, batch_size=1))
    next(batches)
    os.kill(batches._workers[0].pid, signal.SIGKILL)
    if elsewhere:  # PyTorch raises in the handler of a signal, whatever runs then
        time.sleep(10)
    next(batches)


@pytest.mark.parametrize('elsewhere', [False, True])
def test_a_lost_worker_is_told_wherever_it_shows(elsewhere: bool) -> None:
    found, text = explain(caught(lambda: kill_a_worker(elsewhere=elsewhere)))
    assert found == 1
    assert text.startswith('DataLoader worker (pid')
    assert text.endswith('lower num_workers, and look at the images.')


def test_an_unforeseen_error_says_where_and_how_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(raising(ZeroDivisionError('of a share'))) == 1
    err = capsys.readouterr().err
    assert err.startswith('geo-noisy: this is unexpected: ZeroDivisionError: of a share in ')
    assert 'test_boundary.py:' in err
    assert err.endswith('run again with --debug.\n')
    assert err.count('\n') == 1


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(raising(InputError('cut short')), debug=True) == 1
    err = capsys.readouterr().err
    assert err.startswith('Traceback (most recent call last)')
    assert err.endswith('\ngeo-noisy: cut short\n')


def test_debug_may_stand_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (['--debug', 'scenes', str(tmp_path), '--dates', '1'], ['scenes', str(tmp_path), '--debug']):
        assert main([*words, '--dates', '1']) == 2
        assert 'Traceback' in capsys.readouterr().err


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_signals(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    assert run_command(lambda: os.kill(os.getpid(), number)) == 128 + number  # type: ignore[arg-type,return-value]
    assert signal.getsignal(number) is before


@pytest.mark.parametrize(('code', 'status'), [(None, 0), (0, 0), (3, 3), ('text', 1)])
def test_exits_from_within(code: object, status: int) -> None:
    assert run_command(raising(SystemExit(code))) == status


def test_a_reader_that_leaves_is_no_error() -> None:
    code = 'import sys; from geo_noisy.main import main; sys.exit(max(main(["--help"]) for _ in range(9999)))'
    words = [sys.executable, '-c', code]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ''
    assert process.returncode == 128 + signal.SIGPIPE
