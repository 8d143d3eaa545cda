"""Who may sign commits of the repository, and which paths each may change. It holds public keys only."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from guru_policy.model import Frozen, wrong
from guru_policy.path_pattern import EVERYTHING, PathPattern
from guru_policy.quantities import ItemId, shown

Mode = Literal["none", "head", "strict"]
MODES: tuple[Mode, ...] = ("none", "head", "strict")    # the stricter one later
PGP = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
SSH_TYPES = (
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
)
_HINT = "paste the line of an id_ed25519.pub, or what `gpg --export --armor` prints"


def ssh_fingerprint(key: str) -> str:
    """`SHA256:` and unpadded base64, as ssh-keygen(1) prints it. ValueError when it is no SSH public key."""
    parts = key.split()
    if len(parts) < 2 or parts[0] not in SSH_TYPES:
        raise ValueError("not an SSH public key")
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except binascii.Error as cause:
        raise ValueError("not base64") from cause
    if not blob.startswith(len(parts[0]).to_bytes(4, "big") + parts[0].encode()):
        raise ValueError("the key is not of the type it says")
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def is_pgp(key: str) -> bool:
    """Whether it is an armoured OpenPGP key; what is inside only gpg can tell."""
    return key.strip().startswith(PGP)


def _key(text: str) -> str:
    if is_pgp(text):
        return text.strip() + "\n"
    try:
        ssh_fingerprint(text)
    except ValueError as cause:
        hint = "this is a PRIVATE key: remove it and make a new one" if "PRIVATE KEY" in text else _HINT
        raise wrong(f"{shown(text[:40])} is no public key", hint=hint) from cause
    if "\n" in text.strip():
        raise wrong("an SSH key is one line", hint="write a list with a line for each key")
    return " ".join(text.split()[:2])


PublicKey = Annotated[str, StringConstraints(min_length=1, max_length=100_000), AfterValidator(_key)]
"""An SSH public key (type and base64) or an armoured OpenPGP public key."""


class Signer(Frozen):
    """A person or robot. What a key signs may change these paths only; without `paths`, every path."""

    keys: Annotated[tuple[PublicKey, ...], Field(min_length=1, max_length=20)] = Field(
        description="public keys: lines of SSH, or armoured OpenPGP")
    paths: Annotated[tuple[PathPattern, ...], Field(min_length=1, max_length=50)] = Field(
        default=(EVERYTHING,), description="patterns of the paths that they may change")


class Signing(Frozen):
    """`head` checks the newest commit for all that changed, `strict` every commit for what it changed."""

    mode: Mode = Field(
        default="none", description="`head`: the newest commit is checked for all that changed; `strict`: every "
                                    "commit for what it changed")
    signers: Annotated[dict[ItemId, Signer], Field(max_length=500)] = Field(
        default_factory=dict, description="by name: people and robots who may sign")

    @model_validator(mode="after")
    def _one_signer_a_key(self) -> Signing:
        owner: dict[str, str] = {}
        for name, signer in self.signers.items():
            for key in signer.keys:
                if owner.setdefault(key, name) != name:
                    raise wrong(f"{owner[key]} and {name} have the same key", hint="give it to one of them")
        return self


def stricter(one: Mode, other: Mode) -> Mode:
    """The mode that asks for more."""
    return max(one, other, key=MODES.index)
