"""The keys at work: it parses what it is to sign, counts, and signs that alone. There is no "sign these bytes".

Every answer is to one of the purposes below, and the signer writes or checks the signed bytes itself. The tenant of
each request chooses the keys and is what the brake counts under.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from guru_policy.errors import GuruError, Refused
from guru_server.signer import shapes
from guru_server.signer.brake import Brake
from guru_wire.purposes import AUTHORITY_LIFE_MS, Purpose, canonical, key_id, order_text, tagged, tree

NAMES = ("state", "command", "audit")
MOST_CA = 64 << 10


class Keys(Protocol):
    """Private keys by name, wherever they are."""

    def public(self, name: str) -> bytes:
        """32 raw bytes."""
        ...

    def sign(self, name: str, data: bytes) -> bytes:
        """64 bytes of Ed25519 (RFC 8032)."""
        ...


class Chain(Protocol):
    """What stands in the folder about trust: successions, the newest word, audit keys of before."""

    def told(self) -> dict[str, Any]:
        """All of it, as JSON."""
        ...

    def keep_word(self, word: Mapping[str, str]) -> None:
        """Replace the word of trust."""
        ...


class Peer(NamedTuple):
    """Who asks: a user id of this machine, and whether that is a person who may release the brake."""

    uid: int
    second: bool


class Chamber:
    """Answers requests, one at a time for each connection."""

    def __init__(self, keys_of: Callable[[str], Keys], brake: Brake, chain: Chain, now: Callable[[], int]) -> None:
        self._keys_of, self._brake, self._chain, self._now = keys_of, brake, chain, now
        self._lock = threading.Lock()
        self._ways: dict[str, Callable[[Mapping[str, Any], Peer], dict[str, Any]]] = {
            "hello": self._hello, "manifests": self._manifests, "orders": self._orders, "cancel": self._cancel,
            "authority": self._authority, "checkpoint": self._checkpoint, "word": self._word,
            "release": self._release,
        }

    def answer(self, message: Mapping[str, Any], peer: Peer) -> dict[str, Any]:
        """The answer; a refusal is one, too."""
        try:
            way = self._ways.get(str(message.get("op")))
            if way is None:
                raise shapes.unfit("it has no such purpose")
            return way(message, peer)
        except GuruError as error:
            kind = type(error).__name__
            return {"error": kind, "message": error.message, "hint": error.hint}

    def _hello(self, message: Mapping[str, Any], peer: Peer) -> dict[str, Any]:
        keys, now = self._keys_of(shapes.tenant_of(message)), self._now()
        with self._lock:
            brake = {
                kind: {"counted": self._brake.counted(kind, now), "allowed": self._brake.allowed(kind, now)}
                for kind in ("commands", "states")
            }
        return {
            "keys": {name: _text(keys.public(name)) for name in NAMES}, "trust": self._chain.told(), "brake": brake,
        }

    def _manifests(self, message: Mapping[str, Any], peer: Peer) -> dict[str, Any]:
        tenant, now, payloads = shapes.tenant_of(message), self._now(), message.get("payloads")
        if not isinstance(payloads, list) or not 0 < len(payloads) <= shapes.MOST_AT_ONCE:
            raise shapes.unfit("no manifests, or too many at once")
        devices = [shapes.device_of(one, now) for one in payloads]
        keys = self._keys_of(tenant)
        with self._lock:
            self._brake.take("states", tenant, devices, now)
        signatures = [_signature(keys, "state", "manifest", one.encode()) for one in payloads]
        return {"signatures": signatures, "key": key_id(keys.public("state"))}

    def _orders(self, message: Mapping[str, Any], peer: Peer) -> dict[str, Any]:
        tenant, now = shapes.tenant_of(message), self._now()
        asked = shapes.order_of(message, now)
        keys = self._keys_of(tenant)
        with self._lock:
            self._brake.take("commands", tenant, [one for devices, _ in asked.groups for one in devices], now)
        texts = (
            order_text(asked.job, tree(devices, nonces)[0], asked.issued_at, asked.expires_at, asked.command)
            for devices, nonces in asked.groups
        )
        signatures = [_signature(keys, "command", "order", one.encode()) for one in texts]
        return {"signatures": signatures, "key": key_id(keys.public("command"))}

    def _cancel(self, message: Mapping[str, Any], peer: Peer) -> dict[str, Any]:
        issued = shapes.number(message.get("issued_at"), "a time")
        shapes.not_ahead(issued, self._now())
        payload = _dumped({"job": shapes.job_of(message), "issued_at": issued})
        return _sealed(self._keys_of(shapes.tenant_of(message)), "command", "cancel", payload)

    def _authority(self, message: Mapping[str, Any], peer: Peer) -> dict[str, Any]:
        """The state key vouches for the command key that is here, and for no other."""
        issued = shapes.number(message.get("issued_at"), "a time")
        shapes.not_ahead(issued, self._now())
        keys = self._keys_of(shapes.tenant_of(message))
        payload = _dumped({
            "key": _text(keys.public("command")), "issued_at": issued, "expires_at": issued + AUTHORITY_LIFE_MS,
        })
        return _sealed(keys, "state", "authority", payload)

    def _checkpoint(self, message: Mapping[str, Any], peer: Peer) -> dict[str, Any]:
        tenant = shapes.tenant_of(message)
        keys, at = self._keys_of(tenant), shapes.number(message.get("at"), "a time")
        shapes.not_ahead(at, self._now())
        row: dict[str, str | int] = {
            "tenant": tenant, "seq": shapes.number(message.get("seq"), "a row"), "hash": shapes.hash_of(message),
            "at": at, "key": _text(keys.public("audit")),
        }
        return {**row, "signature": _signature(keys, "audit", "audit", canonical(row))}

    def _word(self, message: Mapping[str, Any], peer: Peer) -> dict[str, Any]:
        """The state key names the link key and the authority: only for who may release the brake."""
        _second(peer, "name another link key or authority")
        ca, link = message.get("ca"), message.get("link_key")
        if not isinstance(ca, str) or len(ca) > MOST_CA or not isinstance(link, str) or len(link) != 44:
            raise shapes.unfit("a word of trust is misshapen")
        keys, now = self._keys_of(shapes.tenant_of(message)), self._now()
        with self._lock:
            known = self._chain.told().get("word")
            serial = 1 + (int(json.loads(known["payload"])["serial"]) if known else 0)
            payload = _dumped({"serial": serial, "link_key": link, "ca": ca, "issued_at": now})
            word = _sealed(keys, "state", "trust", payload)
            self._chain.keep_word(word)
        return word

    def _release(self, message: Mapping[str, Any], peer: Peer) -> dict[str, Any]:
        _second(peer, "release the brake")
        kind, now = message.get("kind"), self._now()
        if kind not in ("commands", "states"):
            raise shapes.unfit("a release is for commands or for states")
        devices, until = shapes.number(message.get("devices"), "devices"), shapes.number(message.get("until"), "a time")
        with self._lock:
            made = self._brake.release(kind, devices, until, str(message.get("reason", "")), peer.uid, now)
        return dict(made._asdict())


def _second(peer: Peer, what: str) -> None:
    if not peer.second:
        raise Refused(f"the server may not {what} itself", hint="run it as root or as the signer's user")


def _sealed(keys: Keys, name: str, purpose: Purpose, payload: str) -> dict[str, Any]:
    signature = _signature(keys, name, purpose, payload.encode())
    return {"payload": payload, "signature": signature, "key": key_id(keys.public(name))}


def _signature(keys: Keys, name: str, purpose: Purpose, payload: bytes) -> str:
    return _text(keys.sign(name, tagged(purpose, payload)))


def _dumped(told: Mapping[str, Any]) -> str:
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
