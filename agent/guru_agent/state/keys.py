"""Files of a private device key: as it is, for its owner alone, or sealed by the TPM. A file says which of both."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_agent.state.files import create_private, read_private, replace_private
from guru_agent.state.tpm import Tpm
from guru_policy.errors import GuruError, InputInvalid

Store = Literal["file", "tpm"]
Wanted = Literal["auto", "tpm", "file"]
ENROL_HINT = "run `guru-agent enroll` with a token from `guru enroll token create`"
MOST = 16 << 10                         # bytes of a key file
_SEALED = b"guru-key tpm\n"             # the first line of a file whose rest is sealed


class KeyFiles:
    """Reads keys of either store; new ones go into `store`."""

    def __init__(self, tpm: Tpm | None = None, store: Store = "file") -> None:
        self.store: Store = store
        self.tpm = tpm or Tpm()

    def load(self, path: Path) -> Ed25519PrivateKey | None:
        """The key in the file; None when there is no file. GuruError when the TPM does not open it."""
        data = read_private(path, MOST)
        if data is None:
            return None
        text = self.tpm.open(data.removeprefix(_SEALED)) if data.startswith(_SEALED) else data
        try:
            return Ed25519PrivateKey.from_private_bytes(base64.b64decode(text, validate=False))
        except (ValueError, binascii.Error) as cause:
            hint = f"remove it, then {ENROL_HINT}, with --force"
            raise InputInvalid(f"{path} is damaged", hint=hint) from cause

    def make(self, path: Path) -> Ed25519PrivateKey:
        """A new key in a new file that only its owner can read."""
        key = Ed25519PrivateKey.generate()
        create_private(path, self._written(base64.b64encode(key.private_bytes_raw()) + b"\n"))
        return key

    def at_hand(self, path: Path) -> Ed25519PrivateKey:
        """The key of an earlier try, if it lies in this store; else a new one."""
        if path.exists() and store_of(path) != self.store:
            path.unlink()
        return self.load(path) or self.make(path)

    def seal(self, path: Path) -> bool:
        """Write a key that lies open into this store; whether it did. A kill leaves the old file or the new."""
        data = read_private(path, MOST)
        if data is None or data.startswith(_SEALED):
            return False
        replace_private(path, self._written(data))
        return True

    def _written(self, text: bytes) -> bytes:
        return _SEALED + self.tpm.seal(text) if self.store == "tpm" else text


def store_of(path: Path) -> Store:
    """Where the key of this file rests; a file that is absent is an open one."""
    return "tpm" if (read_private(path, MOST) or b"").startswith(_SEALED) else "file"


def choose(wanted: Wanted, tpm: Tpm) -> tuple[KeyFiles, str]:
    """Where keys are to go, and why not into the TPM; empty when they do. GuruError when they must and cannot."""
    if wanted == "file":
        return KeyFiles(tpm), "as it was asked for"
    try:
        tpm.prove()
    except GuruError as cause:
        if wanted == "tpm":
            hint = "with --keys auto or --keys file the device key goes into a file that only its owner can read"
            raise GuruError(f"no TPM seals keys here: {cause.message}", hint=hint) from cause
        return KeyFiles(tpm), f"no TPM seals keys here: {cause.message}"
    return KeyFiles(tpm, "tpm"), ""
