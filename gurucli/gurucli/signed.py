"""A session in use: fresh tokens, and a proof of the client's key for every request. It prints nothing."""

from __future__ import annotations

import json
import platform
import secrets
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from guru_policy.errors import NotSignedIn
from gurucli.problems import error_from
from gurucli.session_store import Held, Store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from gurucli.transport import Reply

REFRESH = "/api/v1/sign-in/refresh"
SIGN_IN = "/api/v1/sign-in"
EARLY = 30_000                          # ms before its end at which a token is not used any more


class Sender(Protocol):
    """How a request goes out; `Wire` is one."""

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Reply:
        """One request and its whole answer."""


class Signed:
    """One process's hold of a session."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held = store.load()
        self.ahead = 0.0                # seconds that the server's clock is ahead, as far as it is known

    def headers(self, sender: Sender, method: str, path: str) -> dict[str, str]:
        """What goes with a request to `path` (without query, not quoted); refreshes the tokens when it is time."""
        if self._now() > self._held.expires_at - EARLY:
            self._refresh(sender)
        token = self._held.access
        return {"Authorization": f"Bearer {token}", "DPoP": self._proof(method, path, token)}

    def spoil(self) -> None:
        """The access token was refused: the next request asks for another one."""
        self._held = replace(self._held, expires_at=0)

    def _refresh(self, sender: Sender) -> None:
        with self._store.alone():
            self._held = self._store.load()         # another process may have been quicker
            if self._now() <= self._held.expires_at - EARLY:
                return
            headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "guru",
                       "DPoP": self._proof("POST", REFRESH, "")}
            body = json.dumps({"refresh": self._held.refresh}).encode()
            reply = sender.send("POST", REFRESH, headers, body)
            if reply.status >= 400:
                raise error_from(reply.status, reply.body)
            self._held = held_of(reply.body, self._held.key)
            self._store.save(self._held)

    def _proof(self, method: str, path: str, token: str) -> str:
        return proof(key_of(self._held.key), method, path, token=token, now=self._now())

    def _now(self) -> int:
        return int((time.time() + self.ahead) * 1000)


def fresh_key() -> str:
    """The seed of a new Ed25519 key, in hex."""
    return secrets.token_bytes(32).hex()


def key_of(seed: str) -> Ed25519PrivateKey:
    """The key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))


def proof(key: Ed25519PrivateKey, method: str, path: str, *, token: str = "", now: int | None = None) -> str:
    """A proof for one request."""
    from guru_wire.proofs import prove

    moment = int(time.time() * 1000) if now is None else now
    return prove(key, method, path, now=moment, number=secrets.token_urlsafe(16), token=token)


def held_of(body: bytes, seed: str) -> Held:
    """The tokens of an answer with the key that they are bound to; NotSignedIn for an answer that is none."""
    try:
        said = json.loads(body)
        return Held(str(said["session"]), str(said["name"]), str(said["access"]), int(said["expires_at"]),
                    str(said["refresh"]), seed)
    except (ValueError, KeyError, TypeError) as cause:
        raise NotSignedIn("the server's answer holds no session", hint="is that address a guru server?") from cause


def client_name() -> str:
    """What this client says of itself: `guru on laptop (Linux)`."""
    return f"guru on {socket.gethostname()[:100]} ({platform.system()})"

