"""Real servers on this machine: files by ranges with faults on demand, a STAC API, an object store."""

import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.data.archive import collection


class RangeServer:
    """Serves a folder over HTTP with byte ranges, counts what was asked for, and breaks on demand.

    Attributes:
        address: Where it is served.
        delay_s: Pause before each answer.
        faults: Status or kind of fault by a part of the path: a number answers with it; ``cut`` ends in mid-answer;
            ``hang`` answers nothing for ``hang_s``; ``refuse`` closes at once.
        failures: How often a fault is shown before all is well; None for ever.
        requests: Paths asked for, with their range.
        sent: Bytes of bodies sent.
        most_at_once: Most requests answered at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.delay_s, self.hang_s = 0.0, 3.0
        self.faults: dict[str, int | str] = {}
        self.failures: dict[str, int] = {}
        self.needs: str = ''
        self.requests: list[tuple[str, str]] = []
        self.sent, self.most_at_once, self._at_once = 0, 0, 0
        self._lock = threading.Lock()
        self._server = _Server(('127.0.0.1', 0), partial(_Handler, self))
        self.address = f'http://127.0.0.1:{self._server.server_port}'
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fault_of(self, path: str) -> int | str | None:
        with self._lock:
            for part, fault in self.faults.items():
                if part in path and self.failures.get(part, 1) > 0:
                    if part in self.failures:
                        self.failures[part] -= 1
                    return fault
        return None

    def count(self, path: str, asked: str, sent: int) -> None:
        with self._lock:
            self.requests.append((path, asked))
            self.sent += sent


class _Server(ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that break a connection are no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def __init__(self, server: RangeServer, *args: Any) -> None:
        self.archive = server
        super().__init__(*args)

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        with self.archive.counted():
            self._answer_now(body=body)

    def _answer_now(self, *, body: bool) -> None:
        time.sleep(self.archive.delay_s)
        path, _, query = self.path.partition('?')
        fault = self.archive.fault_of(path)
        file = self.archive.folder / path.lstrip('/')
        if fault is None and self.archive.needs and self.archive.needs not in query:
            fault = 403
        if fault is None and not file.is_file():
            fault = 404
        if fault == 'refuse':
            self.close_connection = True
            return
        if fault == 'hang':
            time.sleep(self.archive.hang_s)
            self.close_connection = True
            return
        if isinstance(fault, int):
            self.archive.count(path, str(fault), 0)
            self.send_response(fault)
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        data = file.read_bytes()
        asked = self.headers.get('Range', '')
        found = re.fullmatch(r'bytes=(\d+)-(\d*)', asked)
        first, last = 0, len(data) - 1
        if found:
            first, last = int(found[1]), min(int(found[2] or last), last)
        if found and first >= len(data):
            self.send_response(416)
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        part = data[first : last + 1]
        self.send_response(206 if found else 200)
        if found:
            self.send_header('Content-Range', f'bytes {first}-{last}/{len(data)}')
        self.send_header('Accept-Ranges', 'bytes')
        self.send_header('Content-Length', str(len(part)))
        self.end_headers()
        if body:
            whole = len(part) if fault != 'cut' else len(part) // 2
            with contextlib.suppress(ConnectionError):
                self.wfile.write(part[:whole])
            self.close_connection |= fault == 'cut'
        self.archive.count(path, asked, len(part) if body else 0)

    def log_message(self, *args: Any) -> None:
        """Keep quiet."""


def sign(address: str) -> str:
    """Sign an address as :class:`RangeServer` wants it."""
    return f'{address}?sig=secret'


def free_port() -> int:
    with socket.socket() as found:
        found.bind(('127.0.0.1', 0))
        return int(found.getsockname()[1])


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=5).close()
            return
        if process.poll() is not None:
            raise RuntimeError(f'the server of {address} ended with {process.returncode}')
        time.sleep(0.05)
    raise RuntimeError(f'no answer from {address}')


@contextlib.contextmanager
def stac_api(folder: Path, items: list[dict[str, Any]]) -> Iterator[str]:
    """A STAC API (rustac) with some items; gives its address."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'collection.json').write_text(json.dumps(collection()))
    (folder / 'items.json').write_text(json.dumps({'type': 'FeatureCollection', 'features': items}))
    address = f'127.0.0.1:{free_port()}'
    command = [Path(sys.executable).parent / 'rustac', 'serve', '--addr', address, 'collection.json', 'items.json']
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f'http://{address}', process)
        yield f'http://{address}'
    finally:
        process.terminate()
        process.wait()
