"""The server's HTTP side, small and real: trust, enrolment and long-poll, over TLS on a free port."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson

from guru_wire.link import Challenge, Hello
from guru_wire.version import LANGUAGE
from tests.agent.link_server import Fleet, now_ms


class Session:
    """One long-poll session: what waits to be taken, and how far its handshake is."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(32)
        self.nonce = secrets.token_hex(32)
        self.spool = ""
        self.waiting: deque[str] = deque([
            Challenge(language=LANGUAGE, nonce=self.nonce, now=now_ms()).model_dump_json()
        ])


class PollServer:
    """The fleet behind HTTPS. It answers every WebSocket upgrade with 404. `enrol` answers POST /enrol."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.sessions: dict[str, Session] = {}
        self.requests: list[tuple[str, bytes]] = []
        self.answers: dict[str, tuple[int, bytes]] = {}
        self._turn = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer._answer(self, b"")

            def do_POST(self) -> None:
                outer._answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_: object) -> None:
                return

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                return                  # a client that hangs up is part of the tests

        self._http = Quiet(("127.0.0.1", 0), Handler)
        self._http.socket = fleet.certificates.context.wrap_socket(
            self._http.socket, server_side=True, do_handshake_on_connect=False
        )
        self.url = f"https://localhost:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def push(self, frame: str) -> None:
        """Say something to every session."""
        with self._turn:
            for session in self.sessions.values():
                session.waiting.append(frame)
            self._turn.notify_all()

    def forget(self) -> None:
        """Lose every session, as a restart does."""
        with self._turn:
            self.sessions.clear()
            self._turn.notify_all()

    def _answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        self.requests.append((handler.path, body))
        if handler.path == "/link/poll":
            status, data = self._poll(orjson.loads(body))
        else:
            status, data = self.answers.get(handler.path, (404, b"{}"))
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def _poll(self, ask: dict) -> tuple[int, bytes]:
        with self._turn:
            if ask["session"] is None:
                session = Session()
                self.sessions[session.id] = session
            elif ask["session"] not in self.sessions:
                return 410, b"{}"
            else:
                session = self.sessions[ask["session"]]
            for message in ask["messages"]:
                self._take(session, message)
            end = time.monotonic() + ask["wait"]
            while not session.waiting and (left := end - time.monotonic()) > 0:
                self._turn.wait(left)
                if session.id not in self.sessions:
                    return 410, b"{}"
            messages = [orjson.loads(frame) for frame in session.waiting]
            session.waiting.clear()
            return 200, orjson.dumps({"session": session.id, "messages": messages})

    def _take(self, session: Session, message: dict) -> None:
        if message["t"] == "hello":
            hello = Hello.model_validate(message)
            session.spool = hello.spool
            session.waiting.append(self.fleet.greet(session.nonce, hello).model_dump_json())
            return
        answer = self.fleet.answer(session.spool, orjson.dumps(message))
        if answer is not None:
            session.waiting.append(answer)
            self._turn.notify_all()
