"""A listener on this machine for one word from its own browser (RFC 8252, 7.3). It believes the state alone."""

from __future__ import annotations

import hmac
import secrets
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

from guru_policy.errors import DeadlinePassed, GuruError

PATIENCE = 5.0                          # seconds that a connection may take
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_PAGE = ('<!doctype html><html lang="en"><meta charset="utf-8"><title>GuruRMM</title>'
         '<body style="font:17px/1.5 system-ui,sans-serif;max-width:27rem;margin:20vh auto;padding:0 1rem;'
         'color-scheme:light dark"><h1 style="font-size:1.4rem">%s</h1><p>%s</p>')


class Listener(HTTPServer):
    """On 127.0.0.1 and a free port. What does not know the state is told no, and waited on further."""

    request_queue_size = 8

    def __init__(self) -> None:
        self.state, self.code = secrets.token_urlsafe(24), ""
        try:
            super().__init__(("127.0.0.1", 0), _Visit)
        except OSError as cause:
            raise GuruError(f"this machine lets nobody listen on 127.0.0.1: {cause.strerror}") from cause

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def wait(self, seconds: float) -> str:
        """The code that the browser brings; DeadlinePassed when none came in time."""
        until = time.monotonic() + seconds
        while not self.code:
            self.timeout = until - time.monotonic()
            if self.timeout <= 0:
                raise DeadlinePassed("the browser did not come back in time", hint="begin again")
            self.handle_request()
        return self.code

    def take(self, target: str, host: str) -> bool:
        """Keep the code of a request that knows the state, and came to this address and no other name of it."""
        words = parse_qs(urlsplit(target).query, max_num_fields=10)
        state, code = words.get("state", [""])[0], words.get("code", [""])[0]
        good = (host == f"127.0.0.1:{self.port}" and hmac.compare_digest(state.encode(), self.state.encode())
                and 0 < len(code) <= 1000)
        if good:
            self.code = code
        return good

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that broke is no news."""


class _Visit(BaseHTTPRequestHandler):
    server: Listener
    timeout = PATIENCE

    def do_GET(self) -> None:
        try:
            good = self.server.take(self.path, self.headers.get("Host", ""))
        except ValueError:
            good = False
        words = ("Done", "You can close this window and go back to your terminal.") if good else (
            "That was not expected", "This page is for a sign-in that is under way in a terminal.")
        body = (_PAGE % words).encode()
        self.send_response(200 if good else 400)
        for name, value in (("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body))),
                            ("Content-Security-Policy", _POLICY), ("Cache-Control", "no-store"),
                            ("Referrer-Policy", "no-referrer"), ("Connection", "close")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
        """Say nothing: the request line holds the code."""
