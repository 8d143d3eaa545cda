"""One HTTPS connection for bounded JSON requests, through a proxy or not. It blocks, so never on the loop."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import time
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from guru_agent.deadline import cut, cut_after
from guru_agent.https import HttpsConnection
from guru_agent.link.carrier import Server, bracketed
from guru_policy.errors import InputInvalid, Unreachable
from guru_wire.release import VERSION

FRESH = 4.0                             # seconds an idle connection is trusted: servers close them


class Answer(NamedTuple):
    """Status and body of an answer."""

    status: int
    body: bytes


class Line:
    """A connection that is kept between requests. One request at a time."""

    def __init__(self, server: Server, *, most: int) -> None:
        self._server, self._most = server, most
        self._connection: HttpsConnection | None = None
        self._socket: socket.socket | None = None       # http.client forgets it before the answer is read
        self._used = 0.0
        self._cut = False

    def ask(self, method: str, path: str, body: bytes | None = None, *, timeout: float) -> Answer:
        """One request; Unreachable when no whole answer of at most `most` bytes came in time."""
        if self._cut:
            raise Unreachable("the connection was cut")
        if self._connection is not None and time.monotonic() - self._used > FRESH:
            self.hang_up()
        if self._connection is None:
            self._connection = _connection(self._server, timeout)
        connection = self._connection
        deadline = time.monotonic() + timeout
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        headers = {"User-Agent": f"guru-agent/{VERSION}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            with cut_after(timeout, lambda: connection.sock or self._socket):
                if connection.sock is None:
                    connection.connect()
                self._socket = connection.sock
                connection.request(method, self._server.base + path, body=body, headers=headers)
                response = connection.getresponse()
                data = response.read(self._most + 1)
            if time.monotonic() > deadline:
                raise TimeoutError("it took too long")
        except (OSError, http.client.HTTPException, ValueError) as cause:
            self.hang_up()
            raise Unreachable(
                f"no answer from {self._server.host}:{self._server.port}: {_reason(cause)}"
            ) from cause
        self._used = time.monotonic()
        if len(data) > self._most:
            self.hang_up()
            raise Unreachable(f"{self._server.host}:{self._server.port} answers with too much")
        return Answer(response.status, data)

    def hang_up(self) -> None:
        """Close it; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._socket = None

    def cut(self) -> None:
        """Make a request that waits in another thread fail now, and every later one. For shutting down."""
        self._cut = True
        connection = self._connection
        cut((connection and connection.sock) or self._socket)


def _connection(server: Server, timeout: float) -> HttpsConnection:
    if server.proxy is None:
        return HttpsConnection(
            server.host, server.port, timeout=timeout, context=server.context, name=server.host
        )
    proxy = urlsplit(server.proxy)
    if proxy.scheme != "http" or not proxy.hostname:
        raise InputInvalid("the proxy is not usable", hint="it looks like http://host:port")
    connection = HttpsConnection(
        proxy.hostname, proxy.port or 3128, timeout=timeout, context=server.context, name=server.host
    )
    headers: dict[str, str] = {}
    if proxy.username:
        user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        headers["Proxy-Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
    connection.set_tunnel(bracketed(server.host), server.port, headers=headers)
    return connection


def _reason(cause: Exception) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not the pinned authority's or not for this name ({cause.verify_message})"
    return str(cause) or type(cause).__name__
