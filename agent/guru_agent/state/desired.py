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
from guru_policy.errors import GuruError, NotFound, Untrusted
from guru_wire.manifest import Manifest, open_manifest
from guru_wire.signing import Signed

LOG = logging.getLogger(__name__)
_ACCEPTED = "manifest"


class Accepted(NamedTuple):
    """A verified manifest and the bundle it names, whole."""

    manifest: Manifest
    bundle: Bundle


class Desired:
    """The accepted state, across restarts. `current` is None until there is a whole one."""

    def __init__(self, store: Store, blobs: Blobs, identity: Identity) -> None:
        self._store, self._blobs, self._identity = store, blobs, identity
        self._news = asyncio.Event()
        self.version = 0                # grows with every accepted state
        self.current: Accepted | None = None
        self._seen = 0
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
        return [digest for digest in (manifest.bundle, *manifest.blobs) if not self._blobs.has(digest)]

    def lacks(self) -> bool:
        """Whether something that the accepted state needs was lost from disk."""
        if self.current is None:
            return self._seen > 0
        return bool(self.missing(self.current.manifest))

    def accept(self, signed: Signed, manifest: Manifest) -> None:
        """Take a verified manifest whose blobs are all here. Untrusted when its bundle is not readable."""
        accepted = Accepted(manifest, self._bundle(manifest))
        self._store.keep(_ACCEPTED, signed.model_dump_json())
        known = self.current.manifest if self.current else None
        self.current, self._seen = accepted, max(self._seen, manifest.serial)
        # A run may still be busy with the state before: its blobs go with the next one.
        before = {known.bundle, *known.blobs} if known else set()
        self._blobs.prune({manifest.bundle, *manifest.blobs, *before})
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
            manifest = open_manifest(
                signed, state_key=self._identity.state_key, device=self._identity.device, newest=0, now=0
            )
            self._seen = manifest.serial
            self.current = Accepted(manifest, self._bundle(manifest))
        except (GuruError, ValidationError) as cause:
            say(LOG, "the kept state is not whole; it is fetched again", logging.WARNING, reason=str(cause))

    def _bundle(self, manifest: Manifest) -> Bundle:
        try:
            return Bundle.model_validate_json(self._blobs.read(manifest.bundle))
        except NotFound:
            raise
        except ValidationError as cause:
            raise Untrusted("the bundle with the right digest is not readable") from cause
