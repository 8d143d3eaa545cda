"""How a device joins: the token a technician hands out, and the request that spends it. No I/O."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from guru_policy.errors import InputInvalid
from guru_policy.inventory import Scalar
from guru_policy.model import Asked, Carried
from guru_wire.signing import Signed

PREFIX = "guru1."
Word = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=200)]


class EnrolmentToken(Carried):
    """What the token text carries. The pins let the agent trust the server before it says anything secret."""

    url: str                            # https://host:port
    ca: str                             # sha256 hex of the server CA certificate in DER
    root: str                           # sha256 hex of the 32 raw bytes of the state key
    id: str
    secret: str


class EnrolmentRequest(Asked):
    """`proof` (base64) is the device key's signature, purpose `enrol`, over enrol_bytes().

    `sealing_key` is what secrets are sealed to, with the device key's own word for it; since LANGUAGE 3.
    """

    language: int
    token_id: Word
    token_secret: Word
    public_key: Word                    # base64 of 32 raw bytes
    name: str = Field(min_length=1, max_length=63)
    facts: dict[str, Scalar]
    agent_version: str
    proof: Word
    sealing_key: str = Field(default="", max_length=64)
    sealing_proof: str = Field(default="", max_length=128)
    hardware: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")     # a digest, never proof; since LANGUAGE 6


class EnrolmentAnswer(Carried):
    """Keys are base64 of 32 raw bytes."""

    device: str
    name: str
    customer: str
    site: str
    state_key: str
    link_key: str
    approved: bool = True


class Trust(Carried):
    """GET /api/v1/trust: public, and worth nothing until checked against the pins."""

    ca: str                             # PEM
    state_key: str                      # base64
    link_key: str                       # base64
    chain: tuple[Signed, ...] = ()      # Successions of state keys, oldest first; since LANGUAGE 7
    word: Signed | None = None          # the newest state key's TrustWord; since LANGUAGE 7


def enrol_bytes(*, token_id: str, public_key: str, name: str) -> bytes:
    """What the device key signs to prove that it has the private half."""
    return f"{token_id}\n{public_key}\n{name}".encode()


def write_token(token: EnrolmentToken) -> str:
    """The text handed to a technician: one word, safe in a shell."""
    return PREFIX + base64.urlsafe_b64encode(token.model_dump_json().encode()).decode().rstrip("=")


def read_token(text: str) -> EnrolmentToken:
    """The token; InputInvalid when it was cut or mistyped."""
    text = text.strip()
    hint = "copy the whole word that `guru enroll token create` printed; it starts with guru1."
    if not text.startswith(PREFIX) or len(text) > 4096:
        raise InputInvalid("that is not an enrolment token", hint=hint)
    body = text.removeprefix(PREFIX)
    try:
        return EnrolmentToken.model_validate_json(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValidationError, binascii.Error, ValueError) as cause:
        raise InputInvalid("the enrolment token is damaged", hint=hint) from cause
