"""What this device should be: the last verified manifest with its bundle. It never holds half of one."""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from pydantic import ValidationError

from guru_agent.logs import say
from guru_agent.state.blobs import Blobs
from guru_agent.state.identity import Identity
from guru_agent.state.store import Store
from guru_policy.bundle import AgentSettings, Bundle
from guru_policy.errors import CannotLook, GuruError, NotFound, Untrusted
from guru_wire.manifest import Manifest, open_manifest
from guru_wire.sealing import Sealed, open_value, read_sealed, sealing_key
from guru_wire.signing import Signed, key_id

LOG = logging.getLogger(__name__)
_ACCEPTED = "manifest"


class Accepted(NamedTuple):
    """A verified manifest, the bundle it names, whole, and the secrets that came with it, sealed as they are."""

    manifest: Manifest
    bundle: Bundle
    sealed: Sealed | None = None

    def open(self, name: str, identity: Identity) -> bytes | None:
        """The value of a secret of the bundle; None when it does not come sealed. Untrusted when it does not open."""
        fingerprint = self.bundle.secrets.get(name)
        if fingerprint is None or self.sealed is None:
            return None
        try:
            return open_value(identity.sealing, identity.device, name, fingerprint, self.sealed)
        except Untrusted:
            if identity.before is None:
                raise
        return open_value(sealing_key(identity.before), identity.device, name, fingerprint, self.sealed)


class Desired:
    """The accepted state, across restarts. `current` is None until there is a whole one."""

    def __init__(self, store: Store, blobs: Blobs, identity: Identity) -> None:
        self._store, self._blobs, self._identity = store, blobs, identity
        self._news = asyncio.Event()
        self.version = 0                # grows with every accepted state
        self.current: Accepted | None = None
        self._seen = 0
        self._signer = ""               # key_id() of who signed what is accepted
        self._load()

    @property
    def serial(self) -> int:
        """Of the accepted manifest; 0: none."""
        return self.current.manifest.serial if self.current else 0

    @property
    def seen(self) -> int:
        """The highest serial that was ever verified here: an older one is a replay."""
        return self._seen

    @property
    def settings(self) -> AgentSettings:
        """How the agent itself should behave."""
        return self.current.bundle.agent if self.current else AgentSettings()

    def missing(self, manifest: Manifest) -> list[str]:
        """Digests that the manifest names and that are not here whole; the bundle first."""
        return [digest for digest in manifest.named if not self._blobs.has(digest)]

    def lacks(self) -> bool:
        """Whether something that the accepted state needs was lost from disk, or it is signed by a key of before."""
        if self.current is None:
            return self._seen > 0
        if self._signer != key_id(self._identity.state_key):
            return True                 # the server's key changed: it signs anew
        return bool(self.missing(self.current.manifest))

    def accept(self, signed: Signed, manifest: Manifest) -> None:
        """Take a verified manifest whose blobs are all here.

        Untrusted when its bundle is not readable, or one of its secrets does not open here.
        """
        accepted = self._whole(manifest)
        for name in accepted.bundle.secrets:
            accepted.open(name, self._identity)
        self._store.keep(_ACCEPTED, signed.model_dump_json())
        self._signer = signed.key
        known = self.current.manifest if self.current else None
        self.current, self._seen = accepted, max(self._seen, manifest.serial)
        # A run may still be busy with the state before: its blobs go with the next one.
        before = set(known.named) if known else set()
        self._blobs.prune({*manifest.named, *before})
        if known != manifest:
            self.version += 1
            self._news.set()
            self._news = asyncio.Event()

    async def after(self, version: int) -> int:
        """Wait for a version beyond this one; returns the newest."""
        while self.version <= version:
            await self._news.wait()
        return self.version

    def _load(self) -> None:
        text = self._store.fact(_ACCEPTED)
        if text is None:
            return
        try:
            signed = Signed.model_validate_json(text)
            manifest = self._kept(signed)
            self._signer = signed.key
            self._seen = manifest.serial
            self.current = self._whole(manifest)
        except (GuruError, ValidationError) as cause:
            say(LOG, "the kept state is not whole; it is fetched again", logging.WARNING, reason=str(cause))

    def _kept(self, signed: Signed) -> Manifest:
        """The manifest on disk, signed by the state key or by one of before."""
        for key in self._identity.former_keys:
            if key_id(key) == signed.key:
                return open_manifest(signed, state_key=key, device=self._identity.device, newest=0, now=0)
        return open_manifest(
            signed, state_key=self._identity.state_key, device=self._identity.device, newest=0, now=0
        )

    def secret(self, name: str) -> bytes | None:
        """The value of a secret that came sealed with the state in force; None when it did not. CannotLook when it
        does not open.
        """
        if self.current is None:
            return None
        try:
            return self.current.open(name, self._identity)
        except Untrusted as cause:
            raise CannotLook(cause.message) from cause

    def _whole(self, manifest: Manifest) -> Accepted:
        sealed = read_sealed(self._blobs.read(manifest.sealed)) if manifest.sealed else None
        return Accepted(manifest, self._bundle(manifest), sealed)

    def _bundle(self, manifest: Manifest) -> Bundle:
        try:
            return Bundle.model_validate_json(self._blobs.read(manifest.bundle))
        except NotFound:
            raise
        except ValidationError as cause:
            raise Untrusted("the bundle with the right digest is not readable") from cause
