"""The handshake: a stranger proves by its key which device it is. It decides; it reads and sends nothing."""

from __future__ import annotations

import base64
import re
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import JsonValue, ValidationError

from guru_policy.errors import NotSignedIn, Unsupported, Untrusted
from guru_server.gateway.devices import Known
from guru_server.gateway.frames import Broken
from guru_wire.link import Challenge, Hello, Refused, Welcome, hello_bytes, welcome_bytes
from guru_wire.signing import public_bytes, sign, verify
from guru_wire.version import LANGUAGE

OLDEST_LANGUAGE = 1
_HEX32, _HEX64 = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{64}")

# Verified in the place of a device that does not exist, so that both take as long.
_NOBODY = public_bytes(Ed25519PrivateKey.generate())


class DeviceRevoked(NotSignedIn):
    """The device proved who it is, and was revoked."""


def challenge(now: int) -> Challenge:
    """A fresh challenge; its nonce is good for one connection."""
    return Challenge(language=LANGUAGE, nonce=secrets.token_hex(32), now=now)


def hello_of(message: dict[str, JsonValue]) -> Hello:
    """The Hello in a frame; Broken when it is something else or misshapen."""
    try:
        hello = Hello.model_validate(message)
    except ValidationError as cause:
        raise Broken("the handshake begins with a hello") from cause
    named = (_HEX32, hello.device), (_HEX32, hello.spool), (_HEX64, hello.nonce)
    if not all(shape.fullmatch(text) for shape, text in named):
        raise Broken("a hello names device, spool and nonce in hex digits")
    return hello


def prove(hello: Hello, server_nonce: str, known: Known | None) -> Known:
    """The device, when the hello is signed by its key over this connection's nonce.

    NotSignedIn, always the same, for an unknown device and for a wrong signature; DeviceRevoked only to
    whoever holds the key; Unsupported for a LANGUAGE that this server no longer speaks.
    """
    payload = hello_bytes(
        device=hello.device, spool=hello.spool, server_nonce=server_nonce, agent_nonce=hello.nonce
    )
    try:
        signature = base64.b64decode(hello.signature, validate=True)
        verify(known.public_key if known else _NOBODY, "hello", payload, signature)
    except (Untrusted, ValueError) as cause:
        raise _stranger() from cause
    if known is None:
        raise _stranger()
    if known.revoked:
        raise DeviceRevoked("this device was revoked", hint="enrol it again with a new token")
    if hello.language < OLDEST_LANGUAGE:
        raise Unsupported(f"the agent speaks LANGUAGE {hello.language}", hint="update the agent")
    return known


def welcome(
    link_key: Ed25519PrivateKey, hello: Hello, server_nonce: str, *, now: int, mark: int, serial: int,
    held: str = "", rotate: bool = False, trust: int = 0, inventory: bool = False,
) -> Welcome:
    """The server's answer, signed over both nonces; LANGUAGE is the lower of the two."""
    payload = welcome_bytes(
        device=hello.device,
        server_nonce=server_nonce,
        agent_nonce=hello.nonce,
        now=now,
        serial=serial,
        mark=mark,
    )
    signature = base64.b64encode(sign(link_key, "welcome", payload)).decode()
    language = min(LANGUAGE, hello.language)
    return Welcome(language=language, now=now, mark=mark, serial=serial, signature=signature,
                   held=held, rotate=rotate, trust=trust, inventory=inventory)


def refused(error: NotSignedIn | Unsupported) -> Refused:
    """The end of a handshake."""
    return Refused(code=error.code, message=error.message, revoked=isinstance(error, DeviceRevoked))


def _stranger() -> NotSignedIn:
    return NotSignedIn("this device is not known here, or its key is another", hint="enrol the device")
