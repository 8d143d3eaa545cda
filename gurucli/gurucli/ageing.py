"""age on this machine: a person's identities, encrypting and opening. It prints no value, and imports pyrage late."""

from __future__ import annotations

import re
import stat
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from guru_policy.errors import GuruError, InputInvalid, NotFound, Refused
from guru_policy.kinds.secret import MAX_SECRET
from gurucli.environment import Environment

if TYPE_CHECKING:
    from pyrage.x25519 import Identity

MOST = 64 << 10                         # bytes of an identity file
DEFAULT = "age.key"                     # beside the configuration of `guru`
MAX_VALUE = 60 << 10                    # bytes of a value: encrypted it still is a file that a Secret may have
_STANZA = re.compile(rb"^-> (\S+)", re.MULTILINE)
_ARMOUR = b"-----BEGIN AGE ENCRYPTED FILE-----"


def identity_file(environment: Environment, asked: str) -> Path:
    """Where the person's identity is: what was asked for, GURU_AGE_IDENTITY, else `age.key` beside config.json."""
    return Path(asked or environment.identity or environment.config.parent / DEFAULT).expanduser()


def identities(path: Path) -> list[Identity]:
    """The X25519 identities of a file as `age-keygen` writes it.

    NotFound without the file, Refused when others can read it, InputInvalid when it holds none.
    """
    from pyrage import IdentityError, x25519

    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            lines = file.read(MOST).decode("ascii", "replace").splitlines()
    except FileNotFoundError as cause:
        hint = "make one with `age-keygen -o FILE`, and name it with --identity or GURU_AGE_IDENTITY"
        raise NotFound(f"there is no age identity in {path}", hint=hint) from cause
    except OSError as cause:
        raise GuruError(f"{path} cannot be read: {cause.strerror}") from cause
    if mode & 0o077 and path.is_file():
        raise Refused(f"others can read the identity in {path}", hint=f"chmod 600 {path}")
    said = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    try:
        found = [x25519.Identity.from_str(line) for line in said]
    except (IdentityError, ValueError) as cause:
        raise InputInvalid(f"{path} holds what is no age identity", hint="a line is AGE-SECRET-KEY-1...") from cause
    if not found:
        raise InputInvalid(f"{path} holds no age identity", hint="make one with `age-keygen`")
    return found


def opened(data: bytes, mine: Sequence[Identity]) -> bytes:
    """The value of an encrypted file; Refused when none of the identities opens it."""
    import pyrage

    try:
        return bytes(pyrage.decrypt(data, list(mine)))
    except (pyrage.DecryptError, ValueError) as cause:
        keys = ", ".join(str(one.to_public()) for one in mine[:3])
        hint = f"yours: {keys}; another one with --identity"
        raise Refused("it does not open with your identity", hint=hint) from cause


def encrypted(value: bytes, recipients: Collection[str]) -> bytes:
    """The file, in ASCII armour, that these recipients can open. InputInvalid for a value that is too large."""
    import pyrage
    from pyrage import x25519

    if len(value) > MAX_VALUE:
        raise InputInvalid(f"a secret has {MAX_VALUE:,} bytes at most, and this one has {len(value):,}")
    try:
        keys = [x25519.Recipient.from_str(one) for one in sorted(recipients)]
        data = bytes(pyrage.encrypt(value, keys, armored=True))
    except (pyrage.RecipientError, pyrage.EncryptError, ValueError) as cause:
        raise InputInvalid("a recipient is no age public key", hint="`guru validate` names it") from cause
    if len(data) > MAX_SECRET:
        raise InputInvalid(f"encrypted it has {len(data):,} bytes, and a Secret may have {MAX_SECRET:,}")
    return data


def stanzas(data: bytes) -> list[str]:
    """What kinds of keys open the file, one word each (age-encryption.org/v1); without grease, which opens nothing."""
    if data.startswith(_ARMOUR):
        import base64
        import binascii

        body = b"".join(line for line in data.split(b"\n")[1:] if line and not line.startswith(b"-----"))
        try:
            data = base64.b64decode(body)
        except binascii.Error:
            return []
    head = data.partition(b"\n---")[0]
    words = [found.decode("ascii", "replace") for found in _STANZA.findall(head)]
    return [word for word in words if not word.endswith("-grease")]
