"""The part of the API that tells of standing queries, to whoever may ask devices live. It changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from guru_policy.errors import InputInvalid, NotFound
from guru_policy.inventory import Device
from guru_policy.selector import parse
from guru_policy.text.suggesting import did_you_mean
from guru_server.api.late import late_router
from guru_server.cursors import EVERY, LAST, Paged, Rows
from guru_server.fleet.finding import GitLabels, Labels, matching
from guru_server.fleet.inventory import among
from guru_server.fleet.reading import resolve
from guru_server.jobs.templates import LoadFleets
from guru_server.rights.asking import Asking, Rights, Sight
from guru_server.rights.declaring import needs
from guru_server.schedules.reading import in_force, owner_of
from guru_server.standing import reading
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.operator import Page
from guru_wire.standing import KeptAnswer, QueryChange, SavedQuery

Name = Annotated[str, Query(min_length=1, max_length=63)]
Words = Annotated[str, Query(max_length=2000)]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes work with."""

    db: Database
    labels: GitLabels
    load: LoadFleets

    async def saved(self, rights: Rights, name: str = "") -> list[SavedQuery]:
        """The queries in force that the sender may know of, or those of this name; NotFound when there is none."""
        sight = await rights.sight("query.run")
        found = [
            row for item, revision in await in_force(self.db, self.load, "Query")
            if (not (owner := owner_of(item)) or sight.touches(owner))
            and (row := reading.saved(item, revision)) is not None
        ]
        if name and all(one.name != name for one in found):
            hint = did_you_mean(name, [one.name for one in found]) or "`guru query --list` shows those in force"
            raise NotFound(f"no query {name[:64]} is in force", hint=hint)
        return [one for one in found if name in ("", one.name)]


def router(desk: Desk) -> APIRouter:
    """The guarded routes."""
    router = late_router(tags=["queries"])

    @router.get("/queries")
    @needs("query.run", of="devices")
    async def queries(rights: Asking, paging: Paged, limit: Rows = EVERY) -> Page[SavedQuery]:
        """The Queries in force: the organisation's, and those of customers that the sender knows."""
        found = await desk.saved(rights)
        page, after = paging.cut(found, limit, lambda one: (one.name, one.scope))
        return Page[SavedQuery](items=page, total=len(found), next=after)

    @router.get("/queries/rows")
    @needs("query.run", of="devices")
    async def rows(
        rights: Asking, paging: Paged, name: Name, selector: Words = "", device: Words = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 500,
    ) -> KeptAnswer:
        """The rows that are kept of a query's answers; no device is asked. `limit` counts devices."""
        found, labels = await desk.saved(rights, name), await desk.labels()
        sight = await rights.sight("query.run")
        _one_of(device, selector)

        def within(connection: Connection) -> KeptAnswer:
            devices = _devices(connection, device, selector, sight, labels)
            return reading.kept(connection, devices, found, paging=paging, most=limit)

        return await desk.db.read(within)

    @router.get("/queries/changes")
    @needs("query.run", of="devices")
    async def changes(
        rights: Asking, paging: Paged, name: Name, selector: Words = "", device: Words = "",
        since: Annotated[int, Query(ge=0, le=LAST)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Page[QueryChange]:
        """The rows that came and went since a time (ms UTC), the newest first. `total` counts the page."""
        await desk.saved(rights, name)
        labels, sight = await desk.labels(), await rights.sight("query.run")
        _one_of(device, selector)

        def within(connection: Connection) -> tuple[list[QueryChange], str | None]:
            devices = _devices(connection, device, selector, sight, labels)
            return reading.history(connection, devices, name, since=since, paging=paging, most=limit)

        found, after = await desk.db.read(within)
        return Page[QueryChange](items=tuple(found), total=len(found), next=after)

    return router


def _one_of(device: str, selector: str) -> None:
    if device and selector:
        raise InputInvalid("a device and a selector were given", hint="give one of them")


def _devices(
    connection: Connection, device: str, selector: str, sight: Sight, labels: Labels
) -> dict[str, Device]:
    """The devices in sight, by id: one, those that match, or all."""
    if device:
        found = among(connection, whose(connection), [resolve(connection, whose(connection), device, sight)])
    else:
        found = matching(connection, whose(connection), parse(selector), labels, sight)
    return {one.id: one for one in found}
