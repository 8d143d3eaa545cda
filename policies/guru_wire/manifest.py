"""The signed word on what one device should be now. Made by the server's state key, checked by agents."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from guru_policy.errors import Untrusted
from guru_policy.model import Carried
from guru_wire.purposes import MANIFEST_LIFE_MS
from guru_wire.signing import Signed, seal, unseal

__all__ = ["MANIFEST_LIFE_MS", "Expired", "Manifest", "open_manifest", "seal_manifest"]


class Manifest(Carried):
    """`serial` only grows for a device, so an old manifest can never come back. Times are ms UTC."""

    device: str
    serial: int
    revision: str                       # the commit, for people and reports
    bundle: str                         # sha256 hex of the bundle's bytes
    blobs: tuple[str, ...] = ()
    issued_at: int
    expires_at: int
    sealed: str = ""                    # sha256 hex of the blob of this device's sealed secrets; since LANGUAGE 3

    @property
    def named(self) -> tuple[str, ...]:
        """Every digest that belongs to it, the bundle first."""
        return (self.bundle, *self.blobs, *((self.sealed,) if self.sealed else ()))


class Expired(Untrusted):
    """A genuine manifest of `serial` whose time is over, by the clock of whoever looked."""

    def __init__(self, serial: int) -> None:
        super().__init__(f"manifest {serial} expired")
        self.serial = serial


def seal_manifest(private: Ed25519PrivateKey, manifest: Manifest, key: str = "") -> Signed:
    """The manifest, signed by the state key; `key` as in signing.seal."""
    return seal(private, "manifest", manifest.model_dump_json(), key)


def open_manifest(signed: Signed, *, state_key: bytes, device: str, newest: int, now: int) -> Manifest:
    """The manifest, when it is genuine, for `device`, in time, and its serial is at least `newest`.

    `now` is ms UTC as the server told it in the handshake, so that a device with a wrong clock still
    takes its manifests. Raises Untrusted with the reason, which the agent reports.
    """
    try:
        manifest = Manifest.model_validate_json(unseal(state_key, "manifest", signed))
    except ValidationError as cause:
        raise Untrusted("a manifest with a good signature is not readable") from cause
    if manifest.device != device:
        raise Untrusted(f"the manifest is for device {manifest.device[:32]}, not for this one")
    if manifest.serial < newest:
        raise Untrusted(f"the manifest has serial {manifest.serial} and {newest} was seen already: replayed")
    if now >= manifest.expires_at:
        raise Expired(manifest.serial)
    return manifest
