"""One GET, without redirects and without credentials. It reads no more than it is told to."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from urllib.parse import urlsplit

from guru_agent.deadline import cut_after
from guru_agent.https import HttpsConnection
from guru_policy.host import HttpAnswer

DAY = 86_400


def get_once(url: str, timeout: float, limit: int, verify: bool) -> HttpAnswer | None:
    """The answer, its body cut at `limit` bytes; None when nobody answered in `timeout` seconds."""
    parts = urlsplit(url)
    started = time.monotonic()
    connection = _open(parts.scheme, parts.hostname or "", parts.port, timeout, verify)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    opened: list[socket.socket] = []    # http.client forgets its socket before the answer is read
    try:
        with cut_after(timeout, lambda: connection.sock or next(iter(opened), None)):
            connection.connect()
            opened.append(connection.sock)
            connection.request("GET", target, headers={"User-Agent": "guru-agent", "Connection": "close"})
            days = _days_left(connection)
            answer = connection.getresponse()
            body = answer.read(limit)
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    elapsed = time.monotonic() - started
    return HttpAnswer(answer.status, body, elapsed, days) if elapsed <= timeout else None


def _open(
    scheme: str, host: str, port: int | None, timeout: float, verify: bool
) -> http.client.HTTPConnection:
    if scheme != "https":
        return http.client.HTTPConnection(host, port, timeout=timeout)
    context = ssl.create_default_context()
    if not verify:                      # a check's own choice for a device's self-signed page
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return HttpsConnection(host, port, timeout=timeout, context=context, name=host)


def _days_left(connection: http.client.HTTPConnection) -> float | None:
    """Days until the server's certificate ends; known only when it was verified."""
    if not isinstance(connection.sock, ssl.SSLSocket):
        return None
    ends = (connection.sock.getpeercert() or {}).get("notAfter")
    return (ssl.cert_time_to_seconds(ends) - time.time()) / DAY if isinstance(ends, str) else None
