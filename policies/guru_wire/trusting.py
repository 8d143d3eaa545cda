"""How trust moves on: the old state key vouches for the new one, and the newest names the link key and the CA.

An agent pins one state key when it enrols. From there it follows signed Successions, oldest first, however long it was
away, and then believes the TrustWord of the key at their end. Nothing here does I/O; who carries it can only withhold.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import Field, ValidationError

from guru_policy.errors import Untrusted
from guru_policy.model import Carried
from guru_wire.signing import Signed, key_id, unseal

MOST_STEPS = 1_000                      # of a chain
MOST_CA = 64 << 10                      # characters of PEM


class Succession(Carried):
    """Signed by a state key: from now on the state key is `key`. `serial` counts the state keys of a server from 1."""

    key: str                            # base64 of 32 raw bytes
    serial: int = Field(ge=1)
    issued_at: int                      # ms UTC


class TrustWord(Carried):
    """Signed by the newest state key: the link key and the authority for TLS. A higher `serial` replaces it."""

    serial: int = Field(ge=1)
    link_key: str                       # base64 of 32 raw bytes
    ca: str = Field(max_length=MOST_CA)     # PEM
    issued_at: int                      # ms UTC


class Followed(NamedTuple):
    """What an agent believes from now on, and the state keys that it left behind, oldest first; base64, PEM."""

    state_key: str
    link_key: str
    ca: str
    serial: int
    left: tuple[str, ...]


def follow(pinned: str, serial: int, chain: Sequence[Signed], word: Signed) -> Followed:
    """Where the chain leads from the pinned state key (base64). Untrusted when it leads to nobody who signed `word`.

    `serial` is that of the newest word seen: an older one is a replay.
    """
    key, left = pinned, list[str]()
    for step in chain[:MOST_STEPS]:
        if step.key != key_id(_raw(key)):
            continue                    # of keys before the pinned one
        try:
            found = Succession.model_validate_json(unseal(_raw(key), "succession", step))
        except ValidationError as cause:
            raise Untrusted("a succession with a good signature is not readable") from cause
        left.append(key)
        key = base64.b64encode(_raw(found.key)).decode()
    try:
        told = TrustWord.model_validate_json(unseal(_raw(key), "trust", word))
    except ValidationError as cause:
        raise Untrusted("a word of trust with a good signature is not readable") from cause
    if told.serial < serial:
        raise Untrusted(f"the word of trust has serial {told.serial} and {serial} was seen already: replayed")
    return Followed(key, base64.b64encode(_raw(told.link_key)).decode(), told.ca, told.serial, tuple(left))


def _raw(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as cause:
        raise Untrusted("a key of the chain of trust is not base64") from cause
    if len(raw) != 32:
        raise Untrusted("a key of the chain of trust has not 32 bytes")
    return raw
