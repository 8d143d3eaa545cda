"""The way down: is there a newer manifest, is it genuine, is all of it here? Only then is it accepted."""

from __future__ import annotations

import asyncio
import base64
import binascii

from guru_agent.clock import Clock
from guru_agent.link.carrier import Carrier, LinkLost
from guru_agent.state.blobs import Blobs
from guru_agent.state.desired import Desired
from guru_agent.state.identity import Identity
from guru_agent.state.refusals import Refusals
from guru_agent.state.store import StoreFull
from guru_policy.errors import NotFound, Untrusted
from guru_policy.tree import MAX_ASSET
from guru_wire import link
from guru_wire.manifest import Expired, Manifest, open_manifest
from guru_wire.sealing import MOST_SEALED
from guru_wire.signing import Signed, key_id

ANSWER_TIMEOUT = 30.0                   # seconds
LOOK_AGAIN = 300.0                      # seconds until a pull that failed is tried again
MOST_BUNDLE = 8 << 20                   # bytes
MOST_BLOBS = 10_000


class Downlink:
    """Keeps the accepted state up to date over one connection.

    `floor` is the serial in the server's signed Welcome: nothing older is believed.
    """

    def __init__(
        self, carrier: Carrier, desired: Desired, blobs: Blobs, identity: Identity, clock: Clock,
        refusals: Refusals, floor: int,
    ) -> None:
        self._carrier, self._desired, self._blobs = carrier, desired, blobs
        self._identity, self._clock, self._refusals = identity, clock, refusals
        self._floor = self._newest = floor
        self._news = asyncio.Event()
        self._answers: asyncio.Queue[link.Desired | link.Chunk] = asyncio.Queue(8)

    def announced(self, serial: int) -> None:
        """The server says that the manifest has this serial now."""
        self._newest = max(self._newest, serial)
        self._news.set()

    def lost(self) -> None:
        """Something that was here is not any more."""
        self._news.set()

    def answered(self, answer: link.Desired | link.Chunk) -> None:
        """An answer of the server; LinkLost when nobody asked that much."""
        try:
            self._answers.put_nowait(answer)
        except asyncio.QueueFull as cause:
            raise LinkLost("the server answers what was never asked") from cause

    async def run(self) -> None:
        """Pull whenever there is something newer, or something of ours was lost. Until cancelled."""
        while True:
            self._news.clear()
            if self._newest > self._desired.serial or self._desired.lacks():
                await self._pull()
            try:
                async with asyncio.timeout(LOOK_AGAIN):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _pull(self) -> None:
        while not self._answers.empty():
            self._answers.get_nowait()
        await self._carrier.send(link.Pull().model_dump_json())
        answer = await self._answer()
        if not isinstance(answer, link.Desired):
            raise LinkLost("the server answered a pull with something else")
        if answer.manifest is None:
            return
        serial: int | None = None
        try:
            if answer.manifest.key in {key_id(one) for one in self._identity.former_keys}:
                raise LinkLost("the server has not signed anew yet, after its key changed")
            manifest = self._open(answer.manifest)
            serial = manifest.serial
            if manifest.serial == self._desired.serial and not self._desired.lacks():
                return
            for digest in self._desired.missing(manifest):
                await self._fetch(digest, _most(digest, manifest))
            self._desired.accept(answer.manifest, manifest)
        except Expired as expired:
            if expired.serial > self._floor:
                # Made after this link was: rather the server's clock was set than that it sends old ones.
                raise LinkLost("the server's clock was set: linking anew to learn its time") from expired
            self._refusals.tell(expired, expired.serial)
        except (Untrusted, NotFound, StoreFull) as error:
            self._refusals.tell(error, serial)

    def _open(self, signed: Signed) -> Manifest:
        manifest = open_manifest(
            signed, state_key=self._identity.state_key, device=self._identity.device,
            newest=max(self._desired.seen, self._floor), now=self._clock.now(),
        )
        if len(manifest.blobs) > MOST_BLOBS:
            raise Untrusted(f"the manifest names more than {MOST_BLOBS} files")
        return manifest

    async def _fetch(self, digest: str, most: int) -> None:
        """Download one blob, going on where an earlier try ended."""
        offset = begun = self._blobs.received(digest)
        while True:
            await self._carrier.send(link.Fetch(digest=digest, offset=offset).model_dump_json())
            chunk = await self._answer()
            if not isinstance(chunk, link.Chunk) or chunk.digest != digest or chunk.offset != offset:
                raise LinkLost("the server answered a fetch with something else")
            data = _data(chunk)
            if chunk.total < 0:
                raise NotFound(f"the server does not have blob {digest[:12]} for this device")
            if chunk.total > most:
                raise Untrusted(f"blob {digest[:12]} has {chunk.total} bytes, more than {most}")
            if offset + len(data) > chunk.total or (not data and offset < chunk.total):
                if offset == 0:
                    raise Untrusted(f"blob {digest[:12]} does not come as large as announced")
                offset = begun = 0      # what an earlier try left is no beginning of it
                continue
            self._blobs.append(digest, offset, data)
            offset += len(data)
            if offset < chunk.total:
                continue
            try:
                return self._blobs.finish(digest)
            except Untrusted:
                if begun == 0:
                    raise
                offset = begun = 0

    async def _answer(self) -> link.Desired | link.Chunk:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                return await self._answers.get()
        except TimeoutError as cause:
            raise LinkLost(f"no answer within {ANSWER_TIMEOUT:g} s: the link is frozen") from cause


def _most(digest: str, manifest: Manifest) -> int:
    """The bytes that what a manifest names may have."""
    if digest == manifest.sealed:
        return MOST_SEALED
    return MOST_BUNDLE if digest == manifest.bundle else MAX_ASSET


def _data(chunk: link.Chunk) -> bytes:
    try:
        return base64.b64decode(chunk.data, validate=True)
    except binascii.Error as cause:
        raise LinkLost("a piece of a blob is not base64") from cause
