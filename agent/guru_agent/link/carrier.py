"""What carries frames between agent and server: the seam of WebSocket and long-poll. It reads no frame."""

from __future__ import annotations

import re
import ssl
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from guru_policy.errors import InputInvalid, Unreachable, Untrusted


class LinkLost(Unreachable):
    """The connection ended, was cut or froze."""


class Blocked(Unreachable):
    """Somebody answers, but lets no WebSocket through."""

_BASE = re.compile(r"(/(?!\.+(/|$))[A-Za-z0-9._~-]{1,64}){1,4}")


class Server(NamedTuple):
    """Where the server is and how to get there."""

    host: str
    port: int
    context: ssl.SSLContext
    proxy: str | None = None            # http://[user:password@]host:port
    ca: str = ""                        # PEM of what `context` believes, to hand on
    base: str = ""                      # what stands before every path: a tenant's door, as /t/acme


class Carrier(Protocol):
    """An open connection. Messages are whole JSON texts."""

    @property
    def name(self) -> str: ...

    async def send(self, text: str) -> None:
        """Hand over one message; LinkLost when that is not possible any more."""
        ...

    async def receive(self) -> str | bytes:
        """The next message; LinkLost at the end."""
        ...

    async def close(self) -> None:
        """End it, soon, whatever the peer does. Never raises for a dead peer."""
        ...


def address(url: str) -> tuple[str, int]:
    """Host and port of the server's URL. Only https exists."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError as cause:
        raise InputInvalid(f"not a server address: {url[:200]}") from cause
    if parts.scheme != "https" or not parts.hostname:
        raise InputInvalid(f"not a server address: {url[:200]}", hint="it looks like https://host:port")
    return parts.hostname, port


def base_of(url: str) -> str:
    """What stands before every path of the server at this URL; empty, or as /t/acme."""
    base = urlsplit(url).path.rstrip("/")
    if base and not _BASE.fullmatch(base):
        raise InputInvalid(f"not a server address: {url[:200]}", hint="it looks like https://host:port/t/name")
    return base


def bracketed(host: str) -> str:
    """The host as it stands in a URL (RFC 3986, 3.2.2)."""
    return f"[{host}]" if ":" in host else host


def distrusted(error: BaseException) -> bool:
    """Whether a connection failed since whoever answered has another certificate than the pinned one."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, Untrusted | ssl.SSLCertVerificationError):
        cause = cause.__cause__
    return cause is not None
