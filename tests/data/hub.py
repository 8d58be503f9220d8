"""A model hub on this machine: as much of its protocol as huggingface_hub speaks to make a repository and fill it."""

import base64
import json
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hub:
    """Takes commits into memory.

    Attributes:
        address: Where it is served.
        token: What it takes for a login; others are refused.
        repositories: Files of each repository, by their paths.
        private: Whether each repository was made private.
    """

    def __init__(self, *, token: str) -> None:
        self.token = token
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self._server = ThreadingHTTPServer(('127.0.0.1', 0), partial(_Handler, self))
        self.address = f'http://127.0.0.1:{self._server.server_port}'
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def __init__(self, hub: Hub, *args: Any) -> None:
        self.hub = hub
        super().__init__(*args)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        name = self.path.partition('?')[0].removeprefix('/api/models/')
        known = name.partition('/revision/')[0] in self.hub.repositories
        self._say(200 if known else 404, {'id': name, 'sha': 'main', 'siblings': []} if known else {'error': 'nothing'})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        path = self.path.partition('?')[0]
        if self.headers.get('Authorization') != f'Bearer {self.hub.token}':
            self._say(401, {'error': 'Invalid username or password.'})
        elif path == '/api/repos/create':
            self._create(json.loads(body))
        elif path == '/api/validate-yaml':  # the head of the model card
            self._say(200, {'errors': [], 'warnings': []})
        elif '/preupload/' in path:
            files = [
                {'path': file['path'], 'uploadMode': 'regular', 'shouldIgnore': False}
                for file in json.loads(body)['files']
            ]
            self._say(200, {'files': files})
        else:
            self._commit(path.removeprefix('/api/models/').partition('/commit/')[0], body)

    def _create(self, asked: dict[str, Any]) -> None:
        name = f'{asked.get("organization") or "user"}/{asked["name"]}'
        self.hub.repositories.setdefault(name, {})
        self.hub.private[name] = bool(asked.get('private', asked.get('visibility') == 'private'))
        self._say(200, {'url': f'{self.hub.address}/{name}', 'name': name})

    def _commit(self, name: str, body: bytes) -> None:
        for line in body.splitlines():
            entry = json.loads(line)
            if entry['key'] == 'file':
                self.hub.repositories[name][entry['value']['path']] = base64.b64decode(entry['value']['content'])
        self._say(200, {'success': True, 'commitOid': '0' * 40, 'commitUrl': f'{self.hub.address}/{name}/commit/0'})

    def _say(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
