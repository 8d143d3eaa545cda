"""The webhooks' part of the API: how each goes, what it was sent, one more try. It sends nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy import Connection, Row

from guru_policy.errors import Conflict, NotFound
from guru_server.api.late import late_router
from guru_server.audit.log import record
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.cursors import EVERY, Paged, Rows
from guru_server.events.api import TOPIC
from guru_server.events.noting import Happening, note
from guru_server.events.numbering import number
from guru_server.events.tables import event
from guru_server.gateway.plain import plain
from guru_server.hooks import store
from guru_server.hooks.in_force import TESTED, Hook, HooksInForce
from guru_server.identity.people import Person
from guru_server.identity.signing_in import signed_in
from guru_server.rights.declaring import needs
from guru_server.store.database import Database
from guru_wire.events import DeliveryRow, HookRow, HookTest
from guru_wire.operator import Page

Who = Annotated[Person, Depends(signed_in)]
Named = Annotated[str, Query(max_length=200)]
State = Literal["waiting", "delivered", "failed"]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes work with."""

    db: Database
    bus: Bus
    tenant: str
    clock: Clock
    hooks: HooksInForce


def router(desk: Desk) -> APIRouter:
    """The guarded routes."""
    router = late_router(tags=["events"])
    _route_acting(router, desk)

    @router.get("/hooks")
    @needs("policy.read", of="organisation")
    async def hooks(paging: Paged, limit: Rows = EVERY) -> Page[HookRow]:
        """The webhooks in force, and how they go."""
        await desk.hooks.refresh()
        rows, waiting = await desk.db.read(lambda connection: store.states(connection, desk.tenant))
        found = [_hook_row(one, rows.get(name), waiting.get(name, 0)) for name, one in sorted(desk.hooks.hooks.items())]
        page, after = paging.cut(found, limit, lambda row: (row.hook,))
        return Page[HookRow](items=page, total=len(found), next=after)

    @router.get("/hooks/deliveries")
    @needs("policy.read", of="organisation")
    async def deliveries(
        paging: Paged, hook: Named = "", state: State | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Page[DeliveryRow]:
        """The deliveries, the newest first, what waits among them."""
        last = paging.after(int, int, str)
        rows = await desk.db.read(
            lambda connection: store.deliveries(connection, desk.tenant, hook, state, limit + 1, last=last))
        total = await desk.db.read(lambda connection: store.delivery_count(connection, desk.tenant, hook, state))
        page = rows[:limit]
        after = paging.cursor((page[-1].created_at, page[-1].seq, page[-1].id)) if len(rows) > limit else None
        return Page[DeliveryRow](items=tuple(map(_delivery_row, page)), total=total, next=after)

    @router.get("/hooks/deliveries/{ident}")
    @needs("policy.read", of="organisation")
    async def delivery(ident: Annotated[str, Path(max_length=32)]) -> DeliveryRow:
        """One delivery."""
        return _delivery_row(await desk.db.read(lambda connection: _one(connection, desk.tenant, ident)))

    return router


def _route_acting(router: APIRouter, desk: Desk) -> None:
    @router.post("/hooks/deliveries/{ident}/redelivery")
    @needs("policy.apply", of="organisation")
    async def redeliver(ident: Annotated[str, Path(max_length=32)], person: Who) -> DeliveryRow:
        """Send an event once more, at once, with the same webhook-id; also to a webhook that is disabled."""
        now = desk.clock()
        await desk.hooks.refresh()

        def work(connection: Connection) -> Row[Any]:
            found = _one(connection, desk.tenant, ident)
            row = store.event_row(connection, desk.tenant, found.event)
            if row is None:
                raise Conflict("this event is no longer kept", hint="`retention.events` says how long they are")
            if found.hook not in desk.hooks.hooks:
                raise Conflict(f"the webhook {found.hook} is no longer in force", hint="`guru webhook list`")
            store.urge(connection, desk.tenant, found.hook, row, now)
            record(connection, now, person.actor, "WebhookRedelivered", f"webhook:{found.hook}", f"event {row.id}",
                   tenant=desk.tenant)
            return _one(connection, desk.tenant, ident)

        told = _delivery_row(await desk.db.write(work))
        await desk.bus.publish(TOPIC)
        return told

    @router.post("/hooks/test", status_code=201)
    @needs("policy.apply", of="organisation")
    async def try_out(ask: HookTest, person: Who) -> DeliveryRow:
        """Send a webhook an event of its own, at once. One that was disabled and takes it goes on."""
        now = desk.clock()
        await desk.hooks.refresh()
        hook = _named(desk, ask.hook)

        def work(connection: Connection) -> Row[Any]:
            note(connection, desk.tenant, now, [Happening(TESTED, f"webhook:{hook.name}", {
                "hook": hook.name, "actor": person.actor, "result": "this is a test"})])
            while number(connection, desk.tenant):
                pass
            newest = event.select().where(event.c.tenant == desk.tenant, event.c.type == TESTED)
            row = connection.execute(newest.order_by(event.c.seq.desc()).limit(1)).one()
            ident = store.urge(connection, desk.tenant, hook.name, row, now)
            record(connection, now, person.actor, "WebhookTested", f"webhook:{hook.name}", tenant=desk.tenant)
            return _one(connection, desk.tenant, ident)

        told = _delivery_row(await desk.db.write(work))
        await desk.bus.publish(TOPIC)
        return told


def _named(desk: Desk, name: str) -> Hook:
    """The webhook by its whole name, or by the last part of it when that is the only one's."""
    hooks = desk.hooks.hooks
    found = [one for one in hooks.values() if one.name.rpartition("/")[2] == name]
    if name in hooks:
        return hooks[name]
    if len(found) != 1:
        word = "several webhooks have" if found else "no webhook has"
        raise NotFound(f"{word} the name {plain(name, 64)!r}", hint="`guru webhook list` shows them")
    return found[0]


def _one(connection: Connection, tenant: str, ident: str) -> Row[Any]:
    rows = store.deliveries(connection, tenant, "", None, 1, [ident])
    if not rows:
        raise NotFound(f"no delivery has the id {plain(ident, 32)!r}", hint="`guru webhook deliveries` shows them")
    return rows[0]


def _hook_row(hook: Hook, row: Row[Any] | None, waiting: int) -> HookRow:
    parts = urlsplit(hook.url)
    state = "new" if row is None or (row.last_ok_at is None and row.failing_since is None) else (
        "disabled" if row.disabled_at is not None else "failing" if row.failing_since is not None else "ok")
    return HookRow(
        hook=hook.name, customer=hook.customer, host=f"{parts.scheme}://{parts.netloc}", events=hook.types,
        selector=hook.selector_text, signed=hook.sign is not None, waiting=waiting,
        state=cast("Literal['ok', 'new', 'failing', 'disabled']", state),
        last_ok_at=row.last_ok_at if row else None, failing_since=row.failing_since if row else None,
        disabled_at=row.disabled_at if row else None, next_try_at=row.next_try_at if row else None,
        error=row.error if row else "",
    )


def _delivery_row(row: Row[Any]) -> DeliveryRow:
    finished = row.done_at if row.done_at is not None else row.failed_at
    state: State = "waiting" if finished is None else "delivered" if row.done_at is not None else "failed"
    return DeliveryRow(
        id=row.id, hook=row.hook, event=row.event, type=row.type, state=state, attempts=row.attempts,
        status=row.status, why=row.error, created_at=row.created_at, finished_at=finished,
    )
