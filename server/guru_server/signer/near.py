"""A signer in this very process: for tests and for the API's description. No server that runs has one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_server.keys.chain import Chain
from guru_server.signer.asking import Signatures
from guru_server.signer.brake import Brake
from guru_server.signer.chamber import Chamber, Peer
from guru_server.signer.holding import FileKeys, from_files, same_for_all

FREE = 1 << 40


def near(
    state: Ed25519PrivateKey | None = None, command: Ed25519PrivateKey | None = None,
    audit: Ed25519PrivateKey | None = None, *, brake: Brake | None = None,
) -> Signatures:
    """Signs with these keys, or with fresh ones, and brakes at nothing."""
    keys = {"state": state, "command": command, "audit": audit}
    return _near(FileKeys({name: key or Ed25519PrivateKey.generate() for name, key in keys.items()}), None, brake)


def near_folder(folder: Path) -> Signatures:
    """Signs with the keys of a folder."""
    return _near(from_files(folder, None), folder, None)


def _near(keys: FileKeys, folder: Path | None, brake: Brake | None) -> Signatures:
    chain = Chain(folder) if folder else _Nothing()
    free = brake or Brake(None, {"commands": FREE, "states": FREE})
    chamber = Chamber(same_for_all(keys), free, chain, lambda: FREE * 1000)
    return Signatures(lambda message: chamber.answer(message, Peer(os.getuid(), second=True)))


class _Nothing:
    """No file: words are kept for as long as the process lives."""

    def __init__(self) -> None:
        self._told: dict[str, Any] = {"chain": [], "word": None, "audit": []}

    def told(self) -> dict[str, Any]:
        """What there is."""
        return self._told

    def keep_word(self, word: Any) -> None:
        """Replace the word."""
        self._told = {**self._told, "word": dict(word)}
