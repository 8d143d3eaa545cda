"""The server's age identity: opens what the fleet repository encrypts for it, and fingerprints values. It keeps none.

A fingerprint is a keyed hash: whoever has no key can neither guess a value from it nor see that two secrets are
equal. pyrage is imported when the first secret is looked at: a fleet without secrets never pays for it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from guru_policy.errors import InputInvalid, Untrusted
from guru_policy.kinds.secret import MAX_SECRET, Secret
from guru_policy.needing import Opened
from guru_policy.objects.object import Key
from guru_policy.tree import Entry

if TYPE_CHECKING:
    from pyrage.x25519 import Identity

DIGITS = 16                             # hex digits of a fingerprint
KNOWN = 50_000                          # files whose fingerprint is remembered
_NOT_FOR_US = "guru secrets recipients add guru {key}, then guru secrets rotate"
_ENCRYPT = "encrypt it for the recipients that stand here: guru secrets rotate"


class Opener:
    """What the server can open. Use it in one thread at a time."""

    def __init__(self, identity: SecretStr) -> None:
        self._secret = identity
        self._known: OrderedDict[tuple[str, str], Opened] = OrderedDict()

    @cached_property
    def recipient(self) -> str:
        """The public half, `age1...`: what Secrets list among their recipients."""
        return str(self._identities[0].to_public())

    def look(self, key: Key, spec: Secret, entry: Entry | None, read: Callable[[Entry], bytes]) -> Opened:
        """The fingerprint of a Secret's value, or why it does not open; read and opened once for each content."""
        if not self._recipients.intersection(spec.recipients.values()):
            trouble = f"its recipients lack this server, {self.recipient}"
            return Opened(trouble=trouble, hint=_NOT_FOR_US.format(key=self.recipient), field="recipients")
        if entry is None or entry.kind != "file" or entry.size > MAX_SECRET:
            return Opened(trouble=f"there is no file of at most {MAX_SECRET:,} bytes")
        scope = str(key.scope)
        known = self._known.get((entry.blob, f"{scope}/{key.name}"))
        if known is None:
            try:
                known = Opened(self.fingerprint(scope, key.name, self.value(read(entry))))
            except Untrusted as cause:
                known = Opened(trouble=cause.message, hint=cause.hint)
            self._known[entry.blob, f"{scope}/{key.name}"] = known
            if len(self._known) > KNOWN:
                self._known.popitem(last=False)
        return known

    def value(self, data: bytes) -> bytes:
        """What is in an encrypted file; Untrusted when it does not open with this server's identity."""
        import pyrage

        try:
            return bytes(pyrage.decrypt(data, self._identities))
        except (pyrage.DecryptError, ValueError) as cause:
            raise Untrusted("its file does not open with this server's key", hint=_ENCRYPT) from cause

    def fingerprint(self, scope: str, name: str, value: bytes) -> str:
        """16 hex digits of HMAC-SHA256 over whose secret it is and its value."""
        said = f"{scope}\0{name}\0".encode() + value
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()[:DIGITS]

    @cached_property
    def _key(self) -> bytes:
        derived = HKDF(SHA256(), 32, salt=None, info=b"guru/v1/secret-fingerprint")
        return derived.derive(self._secret.get_secret_value().splitlines()[0].encode())

    @cached_property
    def _recipients(self) -> frozenset[str]:
        """The public halves: of the newest identity, and of those before it."""
        return frozenset(str(one.to_public()) for one in self._identities)

    @cached_property
    def _identities(self) -> list[Identity]:
        from pyrage import IdentityError, x25519

        try:
            return [x25519.Identity.from_str(line) for line in self._secret.get_secret_value().splitlines()]
        except (IdentityError, ValueError) as cause:
            raise InputInvalid("keys/age.key is damaged", hint="bring it back from a backup") from cause
