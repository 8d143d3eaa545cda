"""What is in force as one tree of files, put together from the revisions of all customers. It writes nothing.

The files of no customer come from the newest revision in force, those of a customer from the revision that is in
force for it. A customer whose organisation's files are older cannot be told in one tree, and is named.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from guru_policy.errors import Conflict, NotFound
from guru_policy.objects.scopes import owner_of
from guru_policy.tree import MAX_ASSET, Entry
from guru_server.cursors import Paging
from guru_server.gateway.plain import plain
from guru_server.gitops.mirror import Mirror
from guru_server.reconcile.deciding import Standing
from guru_server.reconcile.store import in_force
from guru_server.store.database import Database
from guru_wire.exporting import Contents, Export, ExportedCustomer, ExportedFile, LeftOut

PAGE = 5_000                            # files
MAX_ANSWER = 16 << 20                   # bytes of contents in one answer, unless one file alone has more
MAX_LEFT_OUT = 1_000                    # of them that are named
MAX_PATH = 4096
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Listed(NamedTuple):
    """The files of one revision."""

    entries: Sequence[Entry]
    executables: Collection[str]


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything of one export: `read_from` says in which revision a blob can be read."""

    state: str
    base: str
    customers: tuple[ExportedCustomer, ...]
    files: tuple[ExportedFile, ...]
    left_out: tuple[LeftOut, ...]
    read_from: Mapping[str, tuple[str, Entry]]


class Exporter:
    """Answers exports; the newest list is kept until something else is in force."""

    def __init__(self, db: Database, mirror: Mirror, tenant: str) -> None:
        self._db, self._mirror, self._tenant = db, mirror, tenant
        self._newest: Listing | None = None
        self._lock = asyncio.Lock()     # one list is made at a time

    async def page(self, paging: Paging) -> Export:
        """Some of the files. NotFound when nothing is in force, Conflict when that moved since the cursor."""
        listing = await self._listing()
        last = paging.after(str, int)
        if last is not None and last[0] != listing.state:
            raise _moved()
        skip = int(last[1]) if last else 0          # nothing comes or goes in between: the list is of one state
        files = listing.files[skip : skip + PAGE]
        end = skip + len(files)
        return Export(
            state=listing.state, base=listing.base, customers=listing.customers, left_out=listing.left_out,
            items=files, total=len(listing.files),
            next=paging.cursor((listing.state, end)) if end < len(listing.files) else None,
        )

    async def contents(self, state: str, blobs: Sequence[str]) -> Contents:
        """The first of these blobs, and as many more as fit. NotFound for one that is not in the export."""
        listing = await self._listing()
        if state != listing.state:
            raise _moved()
        for blob in blobs:
            if blob not in listing.read_from:
                raise NotFound(f"the export has no content {blob}", hint="ask for its list of files again")
        return Contents(contents=await asyncio.to_thread(self._read, listing, blobs))

    def _read(self, listing: Listing, blobs: Sequence[str]) -> dict[str, str]:
        chosen: dict[str, list[tuple[str, Entry]]] = {}
        room = MAX_ANSWER
        for number, blob in enumerate(dict.fromkeys(blobs)):
            revision, entry = listing.read_from[blob]
            room -= entry.size
            if number and room < 0:
                break
            chosen.setdefault(revision, []).append((blob, entry))
        found: dict[str, str] = {}
        for revision, wanted in chosen.items():
            with self._mirror.tree(revision) as tree:
                found |= {blob: base64.b64encode(tree.read(entry)).decode() for blob, entry in wanted}
        return found

    async def _listing(self) -> Listing:
        async with self._lock:
            standing = await self._db.read(lambda connection: in_force(connection, self._tenant))
            if standing.base is None:
                raise NotFound("nothing is in force yet", hint="push a first commit, then `guru sync`")
            state = state_of(standing.base, standing.standings)
            if self._newest is None or self._newest.state != state:
                self._newest = await self._made(state, standing.base, standing.standings)
            return self._newest

    async def _made(self, state: str, base: str, standings: Mapping[str, Standing]) -> Listing:
        if not await self._mirror.ensure(base):
            raise NotFound(f"the revision in force, {base[:12]}, left the fleet repository")
        revisions = {base}
        for one in sorted({standing.pair.customer for standing in standings.values() if standing.pair}):
            if await self._mirror.ensure(one):
                revisions.add(one)
        listed = {one: await asyncio.to_thread(self._list, one) for one in sorted(revisions)}
        return together(state, base, standings, listed)

    def _list(self, revision: str) -> Listed:
        with self._mirror.tree(revision) as tree:
            entries = tree.entries()
            return Listed(entries, tree.executables)


def state_of(base: str, standings: Mapping[str, Standing]) -> str:
    """A digest that differs when anything else is in force."""
    pairs = sorted((name, *standing.pair) for name, standing in standings.items() if standing.pair)
    return hashlib.sha256(repr((base, pairs)).encode()).hexdigest()


def together(
    state: str, base: str, standings: Mapping[str, Standing], listed: Mapping[str, Listed]
) -> Listing:
    """The files of an export, from the lists of its revisions; those that are not listed are gone."""
    customers = tuple(_customer(name, one, base, listed) for name, one in sorted(standings.items()))
    chosen = [(base, None), *((one.revision, one.customer) for one in customers if one.revision in listed)]
    files: list[ExportedFile] = []
    left_out: list[LeftOut] = []
    read_from: dict[str, tuple[str, Entry]] = {}
    for revision, owner in chosen:
        there = listed[str(revision)]
        for entry in there.entries:
            if owner_of(entry.path) != owner:
                continue
            if reason := _unfit(entry):
                left_out.append(LeftOut(path=plain(entry.path, 500), reason=reason))
                continue
            files.append(ExportedFile(
                path=entry.path, blob=entry.blob, size=entry.size, executable=entry.path in there.executables,
                revision=str(revision),
            ))
            read_from.setdefault(entry.blob, (str(revision), entry))
    files.sort(key=lambda file: file.path)
    return Listing(state, base, customers, tuple(files), tuple(left_out[:MAX_LEFT_OUT]), read_from)


def _customer(name: str, standing: Standing, base: str, listed: Mapping[str, Listed]) -> ExportedCustomer:
    if standing.pair is None:
        return ExportedCustomer(customer=name, org_revision=None, revision=None, note="nothing is in force for it")
    org, own = standing.pair
    note = ""
    if own not in listed:
        note = f"its files of {own[:12]} left the repository"
    elif org != base:
        note = f"it has the organisation's files of {org[:12]}, and the export those of {base[:12]}"
    return ExportedCustomer(customer=name, org_revision=org, revision=own, note=note)


def _unfit(entry: Entry) -> str:
    """Why an export cannot hold it; empty when it can."""
    if entry.kind != "file":
        return "a symbolic link" if entry.kind == "link" else "a submodule"
    if entry.size > MAX_ASSET:
        return f"larger than {MAX_ASSET >> 20} MiB"
    if len(entry.path) > MAX_PATH or _ODD.search(entry.path):
        return "its name is too long, not UTF-8, or holds control characters"
    return ""


def _moved() -> Conflict:
    return Conflict("something else came into force while this was exported", hint="export again")
