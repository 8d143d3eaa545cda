"""Where a secret lies encrypted, and who can open it. It never holds the secret itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, field_validator

from guru_policy.kinds.base import DisplayName, Spec
from guru_policy.machine import SourcePath
from guru_policy.model import wrong
from guru_policy.quantities import ItemId, shape, shown

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
AGE_HEADS = (b"age-encryption.org/v1\n", b"-----BEGIN AGE ENCRYPTED FILE-----")
"""How a file that age encrypted begins (age-encryption.org/v1), plain and in ASCII armour."""

MAX_SECRET = 64 << 10                   # bytes of an encrypted file


def _recipient(text: str) -> str:
    if not _adds_up(text):
        raise wrong(f"{shown(text)} is not an age recipient: its checksum is wrong", hint="copy it again, whole")
    return text


def _adds_up(text: str) -> bool:
    """The checksum of Bech32 (BIP 173) holds; age writes its public keys so."""
    prefix, _, data = text.rpartition("1")
    values = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    values += [_ALPHABET.index(c) for c in data]
    sum_ = 1
    for value in values:
        top = sum_ >> 25
        sum_ = (sum_ & 0x1FFFFFF) << 5 ^ value
        for bit, word in enumerate(_GENERATOR):
            sum_ ^= word if top >> bit & 1 else 0
    return sum_ == 1


Recipient = Annotated[
    str, StringConstraints(pattern=f"^age1[{_ALPHABET}]{{58}}$"), AfterValidator(_recipient),
    shape("age recipient"),
]
"""A public key of age (X25519): `age1` and 58 characters."""


class Secret(Spec):
    """A reference: `file` is encrypted with age for `recipients`."""

    description: DisplayName | None = Field(default=None, description="what it is for; never the secret")
    file: SourcePath = Field(description="the encrypted file (`.age`), in this object's own folder or below it")
    recipients: dict[ItemId, Recipient] = Field(
        min_length=1, max_length=100, description="by a name for people: the age public keys that can open it")

    @field_validator("file")
    @classmethod
    def _encrypted(cls, path: str) -> str:
        if not path.endswith(".age"):
            raise wrong(f"{shown(path)} does not end with .age", hint="only files that age encrypted stand in Git")
        return path

    @field_validator("recipients")
    @classmethod
    def _each_once(cls, recipients: dict[str, str]) -> dict[str, str]:
        seen: dict[str, str] = {}
        for name, key in recipients.items():
            other = seen.setdefault(key, name)
            if other != name:
                raise wrong(f"recipients {shown(other)} and {shown(name)} are the same key", hint="take one out")
        return recipients
