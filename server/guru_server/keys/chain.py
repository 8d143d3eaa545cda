"""trust.json beside the keys: how the state key came about, its newest word, audit keys of before. All public."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guru_policy.errors import InputInvalid
from guru_server.keys import files

NAME = "trust.json"


class Chain:
    """The file. `chain` holds Successions, oldest first; `word` the TrustWord; `audit` public halves in base64."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def told(self) -> dict[str, Any]:
        """All of it; empty before the first word."""
        if not self._path.exists():
            return {"chain": [], "word": None, "audit": []}
        try:
            found = json.loads(files.read(self._path))
            return {"chain": list(found["chain"]), "word": found["word"], "audit": list(found["audit"])}
        except (ValueError, LookupError, TypeError) as cause:
            raise InputInvalid(f"{self._path} is damaged", hint="bring it back from a backup") from cause

    def keep_word(self, word: Mapping[str, str]) -> None:
        """Replace the word."""
        self.write({**self.told(), "word": dict(word)})

    def write(self, told: Mapping[str, Any]) -> None:
        """Replace all of it."""
        files.replace(self._path, json.dumps(told, indent=1).encode() + b"\n")
