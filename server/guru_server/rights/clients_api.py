"""OAuth 2.0 clients of others: made, listed and ended by whoever manages users. It decides nothing itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import Connection

from guru_policy.errors import NotFound
from guru_server.api.late import late_router
from guru_server.cursors import EVERY, Paged, Rows
from guru_server.identity import people
from guru_server.identity.clients import Clients
from guru_server.identity.people import Limits, Person
from guru_server.identity.signing_in import signed_in
from guru_server.rights.asking import Asking
from guru_server.rights.declaring import needs
from guru_server.rights.escalating import refuse_more
from guru_server.rights.telling import key_rows
from guru_wire.access import ClientCreated, KeyRequest, KeyRow
from guru_wire.operator import Page

Who = Annotated[Person, Depends(signed_in)]


def router(clients: Clients) -> APIRouter:
    """The guarded routes."""
    router, db, tenant = late_router(tags=["rights"]), clients.db, clients.tenant

    @router.post("/clients", status_code=201)
    @needs("user.manage", of="organisation")
    async def create(ask: KeyRequest, person: Who, rights: Asking) -> ClientCreated:
        """A new client; its secret is shown this once. It gives its maker nothing that the maker has not."""
        now = clients.clock()
        people.check_limits(Limits(ask.verbs, ask.scope))
        refuse_more(rights, frozenset({f"client:{ask.name}"}), ask.verbs)

        def make(connection: Connection) -> tuple[str, KeyRow]:
            secret = people.create(
                connection, tenant, ask.name, "", now=now, ttl=ask.ttl, actor=person.actor, kind="oauth",
                limits=Limits(ask.verbs, ask.scope, ask.addresses))
            return secret, _one(connection, tenant, secret.split("_")[1])

        secret, row = await db.write(make)
        return ClientCreated(client_id=row.id, client_secret=secret, row=row)

    @router.get("/clients")
    @needs("user.manage", of="organisation")
    async def listed(paging: Paged, limit: Rows = EVERY) -> Page[KeyRow]:
        """Every client, the oldest first, without secrets."""
        rows = await db.read(lambda connection: key_rows(connection, tenant, "oauth"))
        page, after = paging.cut(rows, limit, lambda row: (row.created_at, row.id))
        return Page[KeyRow](items=page, total=len(rows), next=after)

    @router.delete("/clients/{client_id}")
    @needs("user.manage", of="organisation")
    async def revoke(client_id: str, person: Who) -> KeyRow:
        """End a client for good, and with it every token that it has."""
        now = clients.clock()

        def end(connection: Connection) -> KeyRow:
            _one(connection, tenant, client_id)
            people.revoke(connection, tenant, client_id, now=now, actor=person.actor)
            return _one(connection, tenant, client_id)

        return await db.write(end)

    return router


def _one(connection: Connection, tenant: str, client: str) -> KeyRow:
    found = next((row for row in key_rows(connection, tenant, "oauth") if row.id == client), None)
    if found is None:
        raise NotFound(f"no client has the id {client[:32]}", hint="`guru client list`")
    return found
