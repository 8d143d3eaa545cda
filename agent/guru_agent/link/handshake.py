"""The handshake, the agent's side: both prove who they are, over both nonces. It reports nothing."""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import TypeAdapter, ValidationError

from guru_agent.link.carrier import Carrier, LinkLost
from guru_agent.state.identity import Identity
from guru_policy.errors import Refused as RefusedError
from guru_policy.errors import Untrusted
from guru_wire.link import Challenge, FromServer, Hello, Refused, Welcome, hello_bytes, welcome_bytes
from guru_wire.sealing import sealing_proof, sealing_public
from guru_wire.signing import sign, verify
from guru_wire.version import LANGUAGE, VERSION

TIMEOUT = 20.0                          # seconds for the whole handshake
_NONCE = re.compile(r"[0-9a-f]{64}")
_FRAMES: TypeAdapter[FromServer] = TypeAdapter(FromServer)


class TurnedAway(RefusedError):
    """The server does not let this device in. `revoked`: for good."""

    def __init__(self, message: str, *, revoked: bool) -> None:
        super().__init__(message, hint="ask whoever runs the server about this device")
        self.revoked = revoked


def read_frame(data: str | bytes) -> FromServer:
    """The message in a frame; LinkLost when it is none of ours."""
    try:
        return _FRAMES.validate_json(data)
    except ValidationError as cause:
        raise LinkLost("the server sent what is no message") from cause


class Saying(NamedTuple):
    """What a Hello says besides who the device is; `process` is the same for a whole run of the agent."""

    spool: str
    serial: int
    process: str
    key: Ed25519PrivateKey


async def shake_hands(carrier: Carrier, identity: Identity, saying: Saying) -> Welcome:
    """The server's Welcome, its signature checked.

    Raises LinkLost when the talk broke off, TurnedAway when the server refused, Untrusted when whoever
    answers does not have the link key.
    """
    try:
        async with asyncio.timeout(TIMEOUT):
            return await _shake(carrier, identity, saying)
    except TimeoutError as cause:
        raise LinkLost("the server did not finish the handshake in time") from cause


async def _shake(carrier: Carrier, identity: Identity, saying: Saying) -> Welcome:
    opening = read_frame(await carrier.receive())
    if not isinstance(opening, Challenge) or not _NONCE.fullmatch(opening.nonce):
        raise LinkLost("the server did not begin with a challenge")
    nonce = secrets.token_hex(32)
    device = identity.device
    proof = sign(
        saying.key, "hello",
        hello_bytes(device=device, spool=saying.spool, server_nonce=opening.nonce, agent_nonce=nonce),
    )
    hello = Hello(
        language=LANGUAGE, device=device, nonce=nonce, spool=saying.spool, agent_version=VERSION,
        serial=saying.serial, process=saying.process,
        signature=base64.b64encode(proof).decode(),
        sealing_key=sealing_public(saying.key), sealing_proof=sealing_proof(saying.key),
    )
    await carrier.send(hello.model_dump_json())
    answer = read_frame(await carrier.receive())
    if isinstance(answer, Refused):
        raise TurnedAway(f"the server refused this device: {answer.message[:200]}", revoked=answer.revoked)
    if not isinstance(answer, Welcome):
        raise LinkLost("the server did not answer the hello")
    _check(answer, identity, opening.nonce, nonce)
    return answer


def _check(welcome: Welcome, identity: Identity, server_nonce: str, agent_nonce: str) -> None:
    signed = welcome_bytes(
        device=identity.device, server_nonce=server_nonce, agent_nonce=agent_nonce,
        now=welcome.now, serial=welcome.serial, mark=welcome.mark,
    )
    try:
        signature = base64.b64decode(welcome.signature, validate=True)
    except ValueError as cause:
        raise Untrusted("the signature of a welcome is not base64") from cause
    verify(identity.link_key, "welcome", signed, signature)
