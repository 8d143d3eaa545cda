"""The audit log's part of the API: find, export, verify. It changes nothing but for the rows that tell of itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import Connection

from guru_server.api.late import late_router
from guru_server.audit import checkpoints, verifying
from guru_server.audit.finding import Wish, find
from guru_server.audit.log import Deed
from guru_server.audit.repeated import Repeated
from guru_server.cursors import LAST, Paged, Paging
from guru_server.identity.people import Person
from guru_server.identity.signing_in import address_of, signed_in
from guru_server.rights.declaring import needs
from guru_server.rights.weighing import costly
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.audit_chain import Checkpoint, Entry, Position
from guru_wire.audit_log import AnchorRow, AuditCheckpoint, AuditExport, AuditRow, AuditVerified
from guru_wire.operator import Page

Who = Annotated[Person, Depends(signed_in)]
Text = Annotated[str, Query(max_length=256)]
About = Annotated[str, Query(alias="object", max_length=256)]
Moment = Annotated[int, Query(ge=0, le=LAST)]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the routes work with; `keys` are the public keys (base64) whose checkpoints count."""

    db: Database
    repeated: Repeated
    keys: Collection[str]


def router(ledger: Ledger) -> APIRouter:
    """The guarded routes."""
    router = late_router(tags=["audit"])

    @router.get("/audit")
    @needs("audit.read", of="organisation")
    async def rows(
        request: Request, person: Who, paging: Paged, since: Moment = 0,
        until: Annotated[int | None, Query(ge=0, le=LAST)] = None,
        actor: Text = "", action: Text = "", about: About = "", device: Text = "", customer: Text = "",
        revision: Text = "", text: Text = "", limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Page[AuditRow]:
        """The newest rows that match. A text that ends in * is a beginning; `text` stands anywhere."""
        wish = Wish(since, until, actor, action, about, device, customer, revision, text=text)
        last = paging.after(int, int)
        found = await ledger.db.read(lambda connection: find(connection, whose(connection), wish, limit, last))
        said = ", ".join(f"{name}={value}" for name, value in wish._asdict().items() if value)
        await _tell(ledger, request, person, "AuditRead", said or "everything")
        return Page[AuditRow](items=tuple(map(_row, found.entries)), total=found.total,
                              next=paging.cursor(found.next) if found.next else None)

    @router.get("/audit/export")
    @needs("audit.read", of="organisation")
    @costly
    async def export(
        request: Request, person: Who, paging: Paged, limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
    ) -> AuditExport:
        """Every row in its order with its hash, and the checkpoints: enough to verify it elsewhere."""
        await _tell(ledger, request, person, "AuditExported", "everything")
        return await ledger.db.read(lambda connection: _export(connection, limit, paging))

    @router.get("/audit/verification")
    @needs("audit.read", of="organisation")
    @costly
    async def verification(request: Request, person: Who, paging: Paged) -> AuditVerified:
        """Follow the chain, in steps: `next` leads to the next one."""
        await _tell(ledger, request, person, "AuditVerified", "everything")
        return await ledger.db.read(lambda connection: _verified(connection, ledger.keys, paging))

    return router


async def _tell(ledger: Ledger, request: Request, person: Person, action: str, said: str) -> None:
    await ledger.repeated.note(Deed(
        person.actor, action, "audit", said, address=address_of(request),
        request=request.scope.get("guru.request", ""),
    ))


def _export(connection: Connection, limit: int, paging: Paging) -> AuditExport:
    seen = paging.after(int)
    known = checkpoints.head(connection, whose(connection))
    after = max(known.root, int(seen[0]) if seen else 0)
    entries = verifying.entries(connection, whose(connection), after, limit)
    more = len(entries) == limit
    last = entries[-1].seq if entries else after
    marks = checkpoints.between(connection, whose(connection), after + 1, last if more else None, limit)
    begins = bool(known.root) and seen is None
    root = checkpoints.between(connection, whose(connection), known.root, known.root) if begins else []
    return AuditExport(
        entries=tuple(map(_row, entries)), checkpoints=tuple(map(_mark, marks)),
        root=_mark(root[0]) if root else None, next=paging.cursor((last,)) if more else None,
    )


def _verified(connection: Connection, keys: Collection[str], paging: Paging) -> AuditVerified:
    seen = paging.after(int, str)
    begin = Position(int(seen[0]), str(seen[1])) if seen else None
    done = verifying.step(connection, whose(connection), begin, keys, {})
    newest = checkpoints.newest(connection, whose(connection))
    held = checkpoints.anchors(connection, whose(connection))
    return AuditVerified(
        ok=done.broken is None, last=done.at.seq, checkpoints=done.checkpoints, signed=newest.seq if newest else 0,
        keys=tuple(sorted(keys)), broken=done.broken.seq if done.broken else None,
        why=done.broken.why if done.broken else "",
        anchors=tuple(
            AnchorRow(name=one.name, place=one.place, seq=one.seq, anchored_at=one.anchored_at, error=one.error)
            for one in held.values()
        ),
        next=paging.cursor((done.at.seq, done.at.hash)) if done.more else None,
    )



def _row(entry: Entry) -> AuditRow:
    return AuditRow.model_validate(entry._asdict())


def _mark(checkpoint: Checkpoint) -> AuditCheckpoint:
    return AuditCheckpoint.model_validate(checkpoint._asdict())
