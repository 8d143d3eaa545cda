"""Where the signer's private keys are: files of its folder. It hands none of them out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_server.keys import files, opening
from guru_server.signer.chamber import NAMES, Keys


class FileKeys:
    """Keys in files, opened once."""

    def __init__(self, keys: dict[str, Ed25519PrivateKey]) -> None:
        self._keys = keys

    def public(self, name: str) -> bytes:
        """32 raw bytes."""
        return self._keys[name].public_key().public_bytes_raw()

    def sign(self, name: str, data: bytes) -> bytes:
        """64 bytes."""
        return self._keys[name].sign(data)


def from_files(folder: Path, passphrase: bytes | None) -> FileKeys:
    """The keys of a folder."""
    return FileKeys({name: opening.edwards(folder / f"{name}.key", passphrase) for name in NAMES})


def make_first(folder: Path, passphrase: bytes | None) -> None:
    """Make the signer's keys in a folder that has none of them. One that is missing beside others was lost."""
    files.make_folder(folder)
    if any((folder / f"{name}.key").exists() for name in NAMES):
        return
    for name in NAMES:
        files.write_new(folder / f"{name}.key", opening.written(Ed25519PrivateKey.generate(), passphrase))


def same_for_all(keys: Keys) -> Callable[[str], Keys]:
    """One set of keys, whoever the tenant is."""
    return lambda _: keys
