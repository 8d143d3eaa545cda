"""Who this device is: its key and what it trusts, two files of the state folder. The key never leaves it."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pydantic import ValidationError

from guru_agent.state.files import create_private, read_private, replace_private, sync_folder
from guru_policy.errors import GuruError, InputInvalid, NotFound
from guru_policy.model import Carried
from guru_wire.sealing import sealing_key
from guru_wire.signing import key_id, public_bytes

KEY_FILE, TRUST_FILE = "device.key", "trust.json"
FRESH_KEY = "device.key.next"           # for --force: the old key stays until the new one is enrolled
ROTATING_KEY = "device.key.rotating"    # a new key that the server may have by now, or not yet
KEY_BEFORE = "device.key.before"        # opens secrets that were sealed to it, until they come sealed anew
ENROL_HINT = "run `guru-agent enroll` with a token from `guru enroll token create`"


class Trusted(Carried):
    """trust.json: which device this is, and the only server and keys it believes."""

    device: str
    name: str
    customer: str
    site: str
    url: str                            # https://host:port
    ca: str                             # PEM, the only authority for TLS
    state_key: str                      # base64 of 32 raw bytes; signs manifests
    link_key: str                       # base64 of 32 raw bytes; signs Welcome
    key: str                            # key_id() of the device key that was enrolled
    serial: int = 0                     # of the server's newest word of trust that was believed
    former: tuple[str, ...] = ()        # state keys of before, base64: what is on disk may be signed by them


class Identity:
    """An enrolled device. Whoever holds it sees a new key as soon as it is in force; `trusted` is replaced when the
    server's keys were followed.
    """

    def __init__(self, folder: Path, trusted: Trusted, key: Ed25519PrivateKey) -> None:
        self.trusted, self.key = trusted, key
        self._folder = folder
        self.before = load_key(folder / KEY_BEFORE)

    @property
    def rotating(self) -> Ed25519PrivateKey | None:
        """A key that was made to take this one's place; the server may know only this one by now."""
        return load_key(self._folder / ROTATING_KEY)

    def make_rotating(self) -> Ed25519PrivateKey:
        """A key to take this one's place, on disk before anybody hears of it; the one of an earlier try."""
        return self.rotating or make_key(self._folder / ROTATING_KEY)

    def renew(self, key: Ed25519PrivateKey) -> None:
        """The server has this rotating key: it is the device's from now on. Killed anywhere, it is finished later."""
        old = base64.b64encode(self.key.private_bytes_raw()) + b"\n"
        replace_private(self._folder / KEY_BEFORE, old)
        trusted = self.trusted.model_copy(update={"key": key_id(public_bytes(key))})
        write_trusted(self._folder, trusted)
        (self._folder / ROTATING_KEY).replace(self._folder / KEY_FILE)
        sync_folder(self._folder)
        self.before, self.trusted, self.key = self.key, trusted, key

    @property
    def device(self) -> str:
        """32 hex digits."""
        return self.trusted.device

    @property
    def sealing(self) -> X25519PrivateKey:
        """What opens this device's sealed secrets."""
        return sealing_key(self.key)

    @property
    def state_key(self) -> bytes:
        """32 raw bytes."""
        return raw_key(self.trusted.state_key)

    @property
    def former_keys(self) -> list[bytes]:
        """State keys of before, the newest first: good for what is on this disk, and for nothing that comes."""
        return [raw_key(one) for one in reversed(self.trusted.former)]

    @property
    def link_key(self) -> bytes:
        """32 raw bytes."""
        return raw_key(self.trusted.link_key)


def load_identity(folder: Path) -> Identity:
    """The identity in the state folder; NotFound when this device was never enrolled.

    An enrolment that was killed after it wrote what it trusts is finished: its key takes the place of the old one.
    """
    text = read_private(folder / TRUST_FILE)
    key = load_key(folder / KEY_FILE)
    if text is None or key is None:
        raise NotFound(f"this device is not enrolled: no identity in {folder}", hint=ENROL_HINT)
    try:
        trusted = Trusted.model_validate_json(text)
    except ValidationError as cause:
        raise InputInvalid(f"{folder / TRUST_FILE} is damaged", hint=f"{ENROL_HINT}, with --force") from cause
    if trusted.key != key_id(public_bytes(key)):
        key = _finished(folder, trusted) or key
    if trusted.key != key_id(public_bytes(key)):
        raise InputInvalid(
            f"{KEY_FILE} and {TRUST_FILE} in {folder} are of two enrolments",
            hint=f"{ENROL_HINT}, with --force",
        )
    return Identity(folder, trusted, key)


def write_trusted(folder: Path, trusted: Trusted) -> None:
    """Write what this device trusts, whole or not at all."""
    replace_private(folder / TRUST_FILE, trusted.model_dump_json(indent=1).encode() + b"\n")


def _finished(folder: Path, trusted: Trusted) -> Ed25519PrivateKey | None:
    """The key of the newest enrolment or rotation, moved to its place; None when there is none of it."""
    for name in (FRESH_KEY, ROTATING_KEY):
        fresh = load_key(folder / name)
        if fresh is not None and key_id(public_bytes(fresh)) == trusted.key:
            (folder / name).replace(folder / KEY_FILE)
            sync_folder(folder)
            return fresh
    return None


def load_key(path: Path) -> Ed25519PrivateKey | None:
    """The key in the file; None when there is no file."""
    data = read_private(path, 4096)
    if data is None:
        return None
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(data, validate=False))
    except (ValueError, binascii.Error) as cause:
        hint = f"remove it, then {ENROL_HINT}, with --force"
        raise InputInvalid(f"{path} is damaged", hint=hint) from cause


def make_key(path: Path) -> Ed25519PrivateKey:
    """A new key in a new file that only its owner can read."""
    key = Ed25519PrivateKey.generate()
    create_private(path, base64.b64encode(key.private_bytes_raw()) + b"\n")
    return key


def raw_key(text: str) -> bytes:
    """The 32 bytes of a public key in base64."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as cause:
        raise GuruError("a public key is not base64") from cause
    if len(raw) != 32:
        raise GuruError("a public key has 32 bytes")
    return raw
