"""SHA-256 of what a transfer holds, in constant memory: along with its chunks as they come, else read again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from functools import partial
from typing import Any

from sqlalchemy import Row

from guru_server.store.database import Database
from guru_server.transfers import store

MOST = 256                              # transfers that are followed by this process


class Digests:
    """Those of the transfers that this process fills. What it did not see come, it reads."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: OrderedDict[str, tuple[int, Any]] = OrderedDict()      # chunks so far, their hashlib object

    def came(self, name: str, number: int, data: bytes) -> None:
        """A chunk was stored. One that is not the next is read when it is needed."""
        count, digest = self._known.get(name, (0, hashlib.sha256()))
        if count == number:
            digest.update(data)
            self._known[name] = (count + 1, digest)
            self._known.move_to_end(name)
            if len(self._known) > MOST:
                self._known.popitem(last=False)

    async def settled(self, row: Row[Any], told: store.Whole, now: int) -> Row[Any]:
        """The transfer as it is once its digest was compared."""
        count, digest = self._known.pop(row.id, (0, hashlib.sha256()))
        if count > told.chunks:
            count, digest = 0, hashlib.sha256()
        for number in range(count, told.chunks):
            digest.update(await self._db.read(partial(store.chunk, name=row.id, number=number)) or b"")
        found = digest.hexdigest()
        return await self._db.write(partial(store.settle, name=row.id, told=told, found=found, now=now))
