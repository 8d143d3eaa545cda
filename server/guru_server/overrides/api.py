"""The overrides' part of the API: set, list, end. It is thin, and each deed is audited where it is kept."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy import Connection

from guru_policy.selector import parse
from guru_server.api.late import late_router
from guru_server.clock import Clock
from guru_server.cursors import Key, Paged, Rows
from guru_server.fleet.finding import GitLabels, matching
from guru_server.identity.people import Person
from guru_server.identity.signing_in import signed_in
from guru_server.overrides import store
from guru_server.overrides.setting import Eyes, Overrider
from guru_server.rights.asking import Asking
from guru_server.rights.declaring import needs
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.operator import Page
from guru_wire.overriding import OverrideRequest, OverrideRow

Who = Annotated[Person, Depends(signed_in)]


def router(db: Database, overrider: Overrider, labels: GitLabels, now: Clock) -> APIRouter:
    """The routes."""
    router = late_router(tags=["overrides"])

    @router.get("/overrides")
    @needs("device.read", of="devices")
    async def get_overrides(
        rights: Asking,
        paging: Paged,
        selector: Annotated[str, Query(max_length=2000)] = "",
        ended: bool = False,
        limit: Rows = 1000,
    ) -> Page[OverrideRow]:
        """Those in force by device and path; with `ended` those that ended, the newest first."""
        wanted = parse(selector) if selector.strip() else None
        of = await labels()
        moment, sight = now(), await rights.sight("device.read")

        def read(connection: Connection) -> list[OverrideRow]:
            found = store.rows(connection, whose(connection), moment, ended=ended)
            if wanted is None and sight.whole:
                return found
            chosen = {one.id for one in matching(connection, whose(connection), wanted or parse(""), of, sight)}
            return [one for one in found if one.device in chosen]

        rows = await db.read(read)
        page, after = paging.cut(rows, limit, _latest if ended else _placed)
        return Page(items=page, total=len(rows), next=after)

    @router.post("/overrides")
    @needs("override.set", of="devices")
    async def post_override(request: OverrideRequest, rights: Asking, who: Who) -> Page[OverrideRow]:
        """Put values into force on all the devices that match, or on none."""
        eyes = Eyes(await rights.sight("device.read"), await rights.sight("override.set"))
        return _all(await overrider.set(request, who.spoken, eyes))

    @router.delete("/overrides/{ident}")
    @needs("override.set", of="devices")
    async def delete_override(
        ident: Annotated[str, Path(max_length=64)],
        rights: Asking,
        who: Who,
        device: Annotated[str | None, Query(max_length=200)] = None,
        path: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Page[OverrideRow]:
        """End a deed's overrides; only those of one device, or of one path, when these are given."""
        eyes = Eyes(await rights.sight("device.read"), await rights.sight("override.set"))
        return _all(await overrider.remove(ident, device, path, who.spoken, eyes))

    return router


def _placed(row: OverrideRow) -> Key:
    return row.customer, row.site, row.name, row.path, row.device, row.id


def _latest(row: OverrideRow) -> Key:
    return -(row.ended_at or 0), *_placed(row)


def _all(rows: list[OverrideRow]) -> Page[OverrideRow]:
    return Page(items=tuple(rows), total=len(rows))
