"""Secrets of devices, sealed to each: only those its bundle needs, and only when something of them changed.

Values are in memory while they are sealed, and nowhere else. What is stored already for the same sealing key and
the same fingerprints stays, so that a sync that changes nothing makes nothing new.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from typing import NamedTuple

import orjson

from guru_policy.bundle import digest_of
from guru_policy.compiling import Compiled, Effective
from guru_policy.errors import Untrusted
from guru_policy.fleet import Sources
from guru_policy.needing import Needed
from guru_policy.objects.object import Key
from guru_server.reconcile.library import Library
from guru_server.secrets.store import Seal, sealing_keys, seals_in_force
from guru_server.store.database import Database
from guru_wire.sealing import seal_values

log = logging.getLogger("guru.secrets")


class _Wish(NamedTuple):
    """What one device needs, by which revisions."""

    sources: Sources
    secrets: tuple[Needed, ...]

    def revision(self, secret: Key) -> str:
        """The commit that the secret's file is of."""
        return (self.sources.customer if secret.scope.customer else self.sources.org).revision


class Sealing:
    """Seals with what the database knows of devices and the library of secrets. Hold the reconciler's lock."""

    def __init__(self, db: Database, library: Library, tenant: str) -> None:
        self._db, self._library, self._tenant = db, library, tenant

    async def seals(self, results: Mapping[str, tuple[str, Compiled]]) -> dict[str, Seal]:
        """The blob of every device that needs secrets and said what to seal them to."""
        wishes = {
            device: _Wish(result.sources, one.secrets)
            for _, result in results.values()
            for device, one in result.assigned.items()
            if isinstance(one, Effective) and one.secrets
        }
        if not wishes:
            return {}
        keys, stored = await self._db.read(lambda connection: (
            sealing_keys(connection, self._tenant, wishes), seals_in_force(connection, self._tenant, wishes),
        ))
        return await asyncio.to_thread(self._seal, wishes, keys, stored)

    def _seal(
        self, wishes: Mapping[str, _Wish], keys: Mapping[str, str], stored: Mapping[str, Seal]
    ) -> dict[str, Seal]:
        found: dict[str, Seal] = {}
        anew: dict[str, str] = {}
        for device, wish in wishes.items():
            if device not in keys:
                continue                # an agent from before secrets: it reads its own files
            made_of = _made_of(keys[device], wish.secrets)
            if device in stored and stored[device].made_of == made_of:
                found[device] = stored[device]
            else:
                anew[device] = made_of
        values = self._library.values({
            (wishes[device].revision(one.secret), one.secret) for device in anew for one in wishes[device].secrets
        })
        for device, made_of in anew.items():
            wish = wishes[device]
            mine = {
                one.name: (one.fingerprint, values[wish.revision(one.secret), one.secret]) for one in wish.secrets
            }
            try:
                data = seal_values(keys[device], device, mine).to_bytes()
            except Untrusted as error:
                log.warning("%s", error.message)
                continue
            found[device] = Seal(digest_of(data), made_of, data)
        return found


def _made_of(sealing_key: str, secrets: tuple[Needed, ...]) -> str:
    said = [sealing_key, [[one.name, one.fingerprint] for one in secrets]]
    return hashlib.sha256(orjson.dumps(said)).hexdigest()
