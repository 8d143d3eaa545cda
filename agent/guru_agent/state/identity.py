"""Who this device is: its key and what it trusts, files of the state folder. The key never leaves the machine."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pydantic import ValidationError

from guru_agent.state.files import read_private, replace_private, sync_folder
from guru_agent.state.keys import ENROL_HINT, MOST, KeyFiles, Store, store_of
from guru_agent.state.tpm import Tpm
from guru_policy.errors import GuruError, InputInvalid, NotFound
from guru_policy.model import Carried
from guru_wire.sealing import sealing_key
from guru_wire.signing import key_id, public_bytes

KEY_FILE, TRUST_FILE = "device.key", "trust.json"
FRESH_KEY = "device.key.next"           # for --force: the old key stays until the new one is enrolled
ROTATING_KEY = "device.key.rotating"    # a new key that the server may have by now, or not yet
KEY_BEFORE = "device.key.before"        # opens secrets that were sealed to it, until they come sealed anew
KEY_FILES = (KEY_FILE, FRESH_KEY, ROTATING_KEY, KEY_BEFORE)


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

    def __init__(self, folder: Path, trusted: Trusted, key: Ed25519PrivateKey, keys: KeyFiles) -> None:
        self.trusted, self.key = trusted, key
        self._folder, self._keys = folder, keys
        self.before = keys.load(folder / KEY_BEFORE)

    @property
    def store(self) -> Store:
        """Where the key rests, and where the next one will."""
        return self._keys.store

    @property
    def rotating(self) -> Ed25519PrivateKey | None:
        """A key that was made to take this one's place; the server may know only this one by now."""
        return self._keys.load(self._folder / ROTATING_KEY)

    def make_rotating(self) -> Ed25519PrivateKey:
        """A key to take this one's place, on disk before anybody hears of it; the one of an earlier try."""
        return self.rotating or self._keys.make(self._folder / ROTATING_KEY)

    def renew(self, key: Ed25519PrivateKey) -> None:
        """The server has this rotating key: it is the device's from now on. Killed anywhere, it is finished later."""
        replace_private(self._folder / KEY_BEFORE, read_private(self._folder / KEY_FILE, MOST) or b"")
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


def load_identity(folder: Path, tpm: Tpm | None = None) -> Identity:
    """The identity in the state folder; NotFound when this device was never enrolled, GuruError when the TPM does not
    open its key.

    An enrolment that was killed after it wrote what it trusts is finished: its key takes the place of the old one.
    """
    trusted = load_trusted(folder)
    keys = KeyFiles(tpm, store_of(folder / KEY_FILE))
    key = keys.load(folder / KEY_FILE)
    if key is None or trusted.key != key_id(public_bytes(key)):
        key = _finished(folder, trusted, keys) or key
    if key is None or trusted.key != key_id(public_bytes(key)):
        raise InputInvalid(
            f"{KEY_FILE} and {TRUST_FILE} in {folder} are of two enrolments",
            hint=f"{ENROL_HINT}, with --force",
        )
    keys.store = store_of(folder / KEY_FILE)
    return Identity(folder, trusted, key, keys)


def load_trusted(folder: Path) -> Trusted:
    """What this device trusts, without its key being opened; NotFound when it was never enrolled."""
    text = read_private(folder / TRUST_FILE)
    if text is None or not (folder / KEY_FILE).exists():
        raise NotFound(f"this device is not enrolled: no identity in {folder}", hint=ENROL_HINT)
    try:
        return Trusted.model_validate_json(text)
    except ValidationError as cause:
        raise InputInvalid(f"{folder / TRUST_FILE} is damaged", hint=f"{ENROL_HINT}, with --force") from cause


def write_trusted(folder: Path, trusted: Trusted) -> None:
    """Write what this device trusts, whole or not at all."""
    replace_private(folder / TRUST_FILE, trusted.model_dump_json(indent=1).encode() + b"\n")


def _finished(folder: Path, trusted: Trusted, keys: KeyFiles) -> Ed25519PrivateKey | None:
    """The key of the newest enrolment or rotation, moved to its place; None when there is none of it."""
    for name in (FRESH_KEY, ROTATING_KEY):
        fresh = keys.load(folder / name)
        if fresh is not None and key_id(public_bytes(fresh)) == trusted.key:
            (folder / name).replace(folder / KEY_FILE)
            sync_folder(folder)
            return fresh
    return None


def raw_key(text: str) -> bytes:
    """The 32 bytes of a public key in base64."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as cause:
        raise GuruError("a public key is not base64") from cause
    if len(raw) != 32:
        raise GuruError("a public key has 32 bytes")
    return raw
