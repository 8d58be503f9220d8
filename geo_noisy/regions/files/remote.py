"""How files at addresses are read: GDAL's settings, signatures, repeats. The one place that says so."""

import contextlib
import contextvars
import os
import pkgutil
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

import rasterio

from geo_noisy.regions.files.paths import is_far
from geo_noisy.regions.files.problems import RasterProblemError
from geo_noisy.regions.files.secrets import shown

_ANSWER = re.compile(r'(?i)HTTP (?:response |error )?(?:code)?\s*:?\s*(\d{3})\b')  # as GDAL tells it
_LASTING = ('400', '401', '403', '404', '405', '410', '416')  # a repeat does not change these
_SYSTEMS = '/vsicurl/:/vsis3/:/vsigs/:/vsiaz/:/vsiadls/:/vsioss/:/vsiswift/'
_STALL_BYTES, _FIRST_BYTES = 1000, 32_768


@dataclass(frozen=True)
class Remote:
    """How files at addresses (``https://``, ``s3://``, ``gs://``, ``az://``) are read: windows, never the whole.

    Files beside an image (``.aux.xml``, ``.ovr``, ``.msk``) are not looked for at an address.

    Attributes:
        sign: Function that turns an address into one that opens, as ``planetary_computer:sign`` or
            ``my_module:my_function``; called when a file is opened, and what it returns is never stored.
        requester_pays: Whether to agree to pay for what is read, as some buckets of S3 ask for.
        retries: How often a file is read again after a broken connection or an answer such as 429 or 503, each time
            after twice the pause.
        pause_s: Seconds before the first repeat.
        timeout_s: Seconds in which a connection must be made, and without progress after which one counts as broken.
        cache_mb: Most memory of a process for what was read of files at addresses, in MiB.
        threads: Files that are read at once.
    """

    sign: str | None = None
    requester_pays: bool = False
    retries: int = 3
    pause_s: float = 0.5
    timeout_s: float = 20.0
    cache_mb: int = 256
    threads: int = 8

    def __post_init__(self) -> None:
        """Check the arguments once, where they enter."""
        for name in ('retries', 'pause_s'):
            if getattr(self, name) < 0:
                raise ValueError(f'{name} is {getattr(self, name)}; it cannot be negative.')
        for name in ('timeout_s', 'cache_mb', 'threads'):
            if not getattr(self, name) > 0:
                raise ValueError(f'{name} is {getattr(self, name)}; it must be above 0.')
        if self.sign is not None:
            self._signer()

    def signed(self, address: str) -> str:
        """An address as it is opened."""
        return address if self.sign is None else str(self._signer()(address))

    def options(self, *, anew: bool) -> dict[str, Any]:
        """Settings of GDAL; it keeps them with a file for as long as that is open.

        Args:
            anew: Whether to forget what an earlier try found out about the file.
        """
        more = {'AWS_REQUEST_PAYER': 'requester'} if self.requester_pays else {}
        return more | {
            'GDAL_DISABLE_READDIR_ON_OPEN': 'EMPTY_DIR',
            'GDAL_INGESTED_BYTES_AT_OPEN': _FIRST_BYTES,
            'CPL_VSIL_CURL_CACHE_SIZE': self.cache_mb << 20,
            'CPL_VSIL_CURL_NON_CACHED': _SYSTEMS if anew else '',
            'GDAL_HTTP_MERGE_CONSECUTIVE_RANGES': 'YES',
            'GDAL_HTTP_MAX_RETRY': 0,  # repeats are ours: GDAL repeats some faults and not others
            'GDAL_HTTP_CONNECTTIMEOUT': self.timeout_s,
            'GDAL_HTTP_LOW_SPEED_LIMIT': _STALL_BYTES,
            'GDAL_HTTP_LOW_SPEED_TIME': max(round(self.timeout_s), 1),
        }

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Read by these settings."""
        token = _present.set(self)
        try:
            with rasterio.Env():  # as in threads
                yield
        finally:
            _present.reset(token)

    def _signer(self) -> Callable[[str], str]:
        try:
            found = pkgutil.resolve_name(str(self.sign))
        except (ValueError, ImportError, AttributeError) as error:
            raise ValueError(
                f'sign is {self.sign!r}, which cannot be imported ({error}); give module:function.'
            ) from error
        if not callable(found):
            raise ValueError(f'sign is {self.sign!r}, which is no function.')
        return found  # type: ignore[no-any-return]


_present: ContextVar[Remote | None] = ContextVar('remote', default=None)
_anew: ContextVar[bool] = ContextVar('anew', default=False)


def settings_of(remote: Remote | bool) -> Remote | None:
    """The settings that an option means: True is all defaults, False none."""
    return Remote() if remote is True else remote or None


def asked(remote: Remote | None) -> AbstractContextManager[None]:
    """Read by some settings, or by those that hold already."""
    return contextlib.nullcontext() if remote is None else remote.applied()


def open_at_address(address: str, opening: Callable[[str], Any]) -> Any:
    """Open a file at an address by the present settings.

    Args:
        address: Where it is.
        opening: Opens it, given a signed address.

    Raises:
        RasterProblemError: If nobody asked for addresses to be opened.
    """
    remote = _present.get()
    if remote is None:
        raise RasterProblemError('at an address, which is opened only where that is asked for: remote=True')
    with rasterio.Env(**remote.options(anew=_anew.get())):
        return opening(remote.signed(address))


def repeated[T](
    paths: Iterable[str], reading: Callable[[], T], *, on: type[Exception], forget: Callable[[], None]
) -> T:
    """Read files, again where they are at addresses and the fault may pass.

    Args:
        paths: The files.
        reading: Reads them.
        on: What it raises.
        forget: Closes what is open of them.
    """
    remote = _present.get() if any(map(is_far, paths)) else None
    if remote is None:
        return reading()
    for repeat in range(remote.retries):
        token = _anew.set(repeat > 0)
        try:
            return reading()
        except on as error:
            if is_lasting(error):
                raise
            forget()
            time.sleep(remote.pause_s * 2**repeat)
        finally:
            _anew.reset(token)
    token = _anew.set(remote.retries > 0)
    try:
        return reading()
    finally:
        _anew.reset(token)


def is_lasting(error: BaseException) -> bool:
    """Whether a server answered what a repeat does not change."""
    answer = _ANSWER.search(_chain(error))
    return answer is not None and answer[1] in _LASTING


def what_went_wrong(error: BaseException) -> str:
    """The fault in words, with a remedy where there is one; without signatures."""
    text = shown(_chain(error))
    answer = _ANSWER.search(text)
    remedies = {
        '401': 'access is refused (401): sign the address (sign), or give credentials as GDAL takes them',
        '403': 'access is refused (403): the address needs a signature (sign), a fresh one, or requester_pays',
        '404': 'it is not there (404)',
        '410': 'it is there no more (410)',
        '416': 'it is shorter than it was (416): the file was replaced; search and index again',
        '503': 'the server is busy (503): lower threads, or raise pause_s',
        '429': 'the server asks for fewer requests (429): lower threads, or raise pause_s',
    }
    told = remedies.get(answer[1]) if answer else None
    return told or text.replace('Read failed. See previous exception for details.; ', '')


@dataclass(frozen=True)
class Carried[A, B]:
    """A function with the settings that hold now, for another process."""

    function: Callable[[A], B]
    remote: Remote | None

    def __call__(self, part: A) -> B:
        """Call it by those settings."""
        with asked(self.remote):
            return self.function(part)


def carried[A, B](function: Callable[[A], B]) -> Carried[A, B]:
    """A function that reads by the present settings wherever it is called."""
    return Carried(function, _present.get())


def in_threads[A, B](function: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """Results in the order of the items, several at once, by the present settings."""
    if not items:
        return []
    context, remote = contextvars.copy_context(), _present.get()
    pool = _pool(os.getpid(), 1 if remote is None else remote.threads)
    return list(pool.map(lambda item: context.copy().run(_with_env, function, item), items))


@cache
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Threads of this process; they stay, and hold files open, until it ends."""
    return ThreadPoolExecutor(threads)


def _with_env[A, B](function: Callable[[A], B], item: A) -> B:
    with rasterio.Env():  # a data set opened without one makes its own, which no other thread can close
        return function(item)


def _chain(error: BaseException) -> str:
    """Messages of an error and of those before it."""
    texts: list[str] = []
    left: BaseException | None = error
    while left is not None:
        texts.append(' '.join(str(left).split()))
        left = left.__cause__ or left.__context__
    return '; '.join(dict.fromkeys(text for text in texts if text))
