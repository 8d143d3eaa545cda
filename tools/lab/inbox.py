"""A local inbox for notifications: webhooks over HTTP on loopback, kept in memory and in a file."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

MAX_BODY = 1 << 20


class Letter(NamedTuple):
    """One delivery. `headers` have lower-case names."""

    path: str
    headers: dict[str, str]
    body: dict[str, object]


class Inbox:
    """Listens from start() until stop(); every delivery is answered by `status`."""

    def __init__(self, record: Path | None = None) -> None:
        self.letters: list[Letter] = []
        self.raw: list[bytes] = []      # their bodies as they came
        self.status = 204
        self.answering = threading.Event()      # cleared: deliveries are taken, and wait for their answer
        self.answering.set()
        self._record, self._arrived = record, threading.Condition()
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = min(int(self.headers.get("content-length", 0)), MAX_BODY)
                raw = self.rfile.read(size)
                headers = {name.lower(): value for name, value in self.headers.items()}
                inbox.raw.append(raw)
                inbox._take(Letter(self.path, headers, json.loads(raw)))
                inbox.answering.wait(10)
                self.send_response(inbox.status)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                del arguments

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def url(self) -> str:
        """Where to post to."""
        return f"http://127.0.0.1:{self._server.server_port}/alerts"

    def start(self) -> None:
        """Listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, count: int, timeout: float) -> list[Letter]:
        """The letters once there are `count`; what there is after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._arrived:
            while len(self.letters) < count and (left := deadline - time.monotonic()) > 0:
                self._arrived.wait(left)
            return list(self.letters)

    def _take(self, letter: Letter) -> None:
        with self._arrived:
            self.letters.append(letter)
            if self._record:
                with self._record.open("a") as sink:
                    sink.write(json.dumps(letter.body) + "\n")
            self._arrived.notify_all()
