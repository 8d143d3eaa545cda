"""Posts events to a program on this machine as the server's webhooks would, signed. It keeps nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ipaddress
import json
import socket
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from guru_policy.errors import UsageWrong
from gurucli.answers_events import Event

PATIENCE = 15.0                         # seconds for one answer
MOST = 64 << 10                         # bytes of an answer that are read


class Answered(NamedTuple):
    """What the program said: a status, or why there is none."""

    status: int | None
    error: str
    ms: int


class Forward:
    """Where to post to: http on this machine, so that nothing leaves it unencrypted. UsageWrong for anything else."""

    def __init__(self, url: str, secret: bytes, *, clock: Callable[[], float] = time.time) -> None:
        hint = "such as http://localhost:3000/hook; elsewhere a Webhook in the repository is the way"
        try:
            parts = urlsplit(url)
            port = parts.port or 80
        except ValueError as cause:
            raise UsageWrong(f"{url!r} is not an address", hint=hint) from cause
        if parts.scheme != "http" or not parts.hostname or not _here(parts.hostname):
            raise UsageWrong(f"{url!r} is not an http address of this machine", hint=hint)
        self._host, self._port = parts.hostname, port
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._secret, self._clock = secret, clock

    def post(self, event: Event) -> Answered:
        """Post one event; whatever goes wrong is part of the answer."""
        body = json.dumps({key: value for key, value in event.items() if value is not None}).encode()
        began = time.monotonic()
        connection = http.client.HTTPConnection(self._host, self._port, timeout=PATIENCE)
        try:
            connection.request("POST", self._target, body, self._headers(event["id"], body))
            answer = connection.getresponse()
            answer.read(MOST)
            return Answered(answer.status, "", int((time.monotonic() - began) * 1000))
        except (OSError, http.client.HTTPException, ValueError) as cause:
            said = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
            return Answered(None, said.lower(), int((time.monotonic() - began) * 1000))
        finally:
            connection.close()

    def _headers(self, ident: str, body: bytes) -> dict[str, str]:
        """Standard Webhooks: v1 and the HMAC-SHA256 of id.timestamp.body."""
        sent = str(int(self._clock()))
        digest = hmac.digest(self._secret, f"{ident}.{sent}.".encode() + body, hashlib.sha256)
        return {
            "Content-Type": "application/cloudevents+json", "User-Agent": "GuruRMM", "webhook-id": ident,
            "webhook-timestamp": sent, "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        }


def written(secret: bytes) -> str:
    """A secret as receivers take it."""
    return "whsec_" + base64.b64encode(secret).decode()


def read(text: str) -> bytes:
    """The bytes of a secret: after whsec_ base64, else the text itself. UsageWrong when it is neither."""
    if not text.startswith("whsec_"):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError as cause:
        raise UsageWrong("the secret begins with whsec_ and is not base64") from cause


def _here(host: str) -> bool:
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(one.partition("%")[0]).is_loopback for one in found)
