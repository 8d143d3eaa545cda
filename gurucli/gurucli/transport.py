"""TLS to a server: pinned authorities, bounded answers, foreign errors translated. It knows no commands.

http.client stays because one call costs 50 ms with it and 150 ms with a library on top.
"""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from guru_policy.errors import DeadlinePassed, InputInvalid, Unreachable, Unsupported, Untrusted, UsageWrong

MAX_ANSWER = 256 << 20                  # bytes of one answer
MAX_REQUEST = 256 << 20


class Reply(NamedTuple):
    """One answer; `date` is the server's Date header, for the clock skew. `retry_after` is in seconds, as sent."""

    status: int
    body: bytes
    date: str
    content_type: str
    retry_after: str = ""


def split_url(url: str) -> SplitResult:
    """The parts of an https address; UsageWrong for anything that is not one."""
    hint = "write it like https://guru.example.com"
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        _ = parts.port
    except ValueError as cause:
        raise UsageWrong(f"{url!r} is not an address", hint=hint) from cause
    if parts.scheme != "https":
        raise UsageWrong(f"{url!r} does not begin with https://", hint="guru speaks TLS only; " + hint)
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        raise UsageWrong(f"{url!r} is not the address of a server", hint=hint)
    return parts


def trusting(ca: str) -> ssl.SSLContext:
    """A TLS context that believes this PEM authority only, or the system's roots when it is empty."""
    try:
        context = ssl.create_default_context(cadata=ca or None)
    except (ssl.SSLError, ValueError) as cause:
        raise InputInvalid("the server's authority is not a PEM certificate", hint="sign in again") from cause
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def trusting_nobody() -> ssl.SSLContext:
    """A TLS context that checks nothing: only for reading the public GET /trust before a pin is compared."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def fingerprint(ca: str) -> str:
    """`sha256:` and the hex digest of a PEM certificate's DER; InputInvalid when it is none."""
    try:
        return "sha256:" + hashlib.sha256(ssl.PEM_cert_to_DER_cert(ca.strip() + "\n")).hexdigest()
    except ValueError as cause:
        raise InputInvalid("the server's authority is not a PEM certificate") from cause


class HungUp(Unreachable):
    """The server let the connection go and answered nothing: nobody knows whether it did what it was asked."""


class Wire:
    """One kept-alive connection to one server. Not safe for two threads."""

    def __init__(self, url: str, tls: ssl.SSLContext, timeout: float) -> None:
        parts = split_url(url)
        self.host, self.port, self.base = parts.hostname or "", parts.port or 443, parts.path.rstrip("/")
        self._connection = http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=tls)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Reply:
        """One request and its whole answer; a connection that the server let go is opened once more."""
        if body is not None and len(body) > MAX_REQUEST:
            raise InputInvalid("the request is larger than 256 MiB",
                               hint="keep big files out of the repository")
        again = self._connection.sock is not None and method in ("GET", "HEAD")
        while True:
            try:
                return self._exchange(method, path, headers, body)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self._connection.close()
                if not again:
                    raise HungUp(f"{self.host}:{self.port} hung up without an answer") from None
                again = False

    def certificate(self) -> dict[str, object]:
        """The verified certificate of the open connection, as ssl gives it; empty without one."""
        sock = self._connection.sock
        return dict(sock.getpeercert() or {}) if isinstance(sock, ssl.SSLSocket) else {}

    def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Reply:
        connection = self._connection
        try:
            connection.request(method, self.base + path, body, headers)
            response = connection.getresponse()
            data = response.read(MAX_ANSWER + 1)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            raise
        except (OSError, http.client.HTTPException, ValueError) as cause:
            connection.close()
            raise self._translated(cause) from cause
        if len(data) > MAX_ANSWER:
            connection.close()
            raise Unsupported("the server's answer is larger than 256 MiB",
                              hint="ask for less, for example with -l")
        get = response.headers.get
        return Reply(response.status, data, get("Date", ""), get("Content-Type", ""), get("Retry-After", ""))

    def _translated(self, cause: Exception) -> Exception:
        place = f"{self.host}:{self.port}"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Untrusted(
                f"{place} shows a certificate that its authority did not sign: {cause.verify_message}",
                hint="somebody may be in between; if the server was set up anew, sign in again with its new pin",
            )
        if isinstance(cause, TimeoutError):
            return DeadlinePassed(f"{place} did not answer in time",
                                  hint="try --timeout 60s, or see `guru doctor`")
        if isinstance(cause, socket.gaierror):
            return Unreachable(f"no address is known for {self.host}", hint="check the name and your DNS")
        if isinstance(cause, ssl.SSLError):
            return Unreachable(f"{place} does not speak TLS with us: {cause.reason or 'handshake failed'}")
        if isinstance(cause, OSError):
            return Unreachable(
                f"nobody answers at {place}: {(cause.strerror or 'connection failed').lower()}",
                hint="is the server running, and is the way to it open? `guru doctor` looks closer",
            )
        return Unreachable(f"{place} answered something that is not HTTP", hint="is that a guru server?")
