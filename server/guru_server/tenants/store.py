"""The rows of tenants. Each function wants the landlord's handle (store.binding.LANDLORD), which sees them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from sqlalchemy import Connection, select

from guru_policy.errors import Conflict, InputInvalid, NotFound, Refused
from guru_server.store.schema import TENANT
from guru_server.tenants.names import NAME
from guru_server.tenants.quotas import Quotas
from guru_server.tenants.tables import tenants

State = Literal["active", "suspended", "deleting"]


class Tenant(NamedTuple):
    """One tenant; times are ms UTC."""

    name: str
    state: State
    quotas: Quotas
    created_at: int
    changed_at: int


def create(connection: Connection, name: str, quotas: Quotas, now: int) -> Tenant:
    """Make one; InputInvalid for what is no name, Conflict for one that is there."""
    if not NAME.fullmatch(name):
        raise InputInvalid(
            f"{name[:40]!r} cannot be a tenant's name", hint="lower-case letters, digits and -, 32 at most"
        )
    if find(connection, name) is not None:
        raise Conflict(f"there is a tenant {name} already", hint="guru-server tenant list")
    connection.execute(tenants.insert().values(
        tenant=name, state="active", quotas=quotas.model_dump_json(exclude_none=True), created_at=now, changed_at=now,
    ))
    return get(connection, name)


def every(connection: Connection) -> Sequence[Tenant]:
    """All of them, by name; the first tenant is there, whatever the table says."""
    rows = [_tenant(*row) for row in connection.execute(select(
        tenants.c.tenant, tenants.c.state, tenants.c.quotas, tenants.c.created_at, tenants.c.changed_at
    ).order_by(tenants.c.tenant))]
    return rows if any(one.name == TENANT for one in rows) else [_FIRST, *rows]


def find(connection: Connection, name: str) -> Tenant | None:
    """The tenant of that name."""
    return next((one for one in every(connection) if one.name == name), None)


def get(connection: Connection, name: str) -> Tenant:
    """The same; NotFound when there is none."""
    found = find(connection, name)
    if found is None:
        raise NotFound(f"there is no tenant {name[:40]}", hint="guru-server tenant list")
    return found


def put(connection: Connection, name: str, state: State, now: int) -> Tenant:
    """Change the state of one. The first tenant is always active: the server is its own."""
    _not_the_first(name)
    if get(connection, name).state == "deleting":
        raise Refused(f"the tenant {name} is being deleted", hint=f"guru-server tenant delete {name} --yes ends it")
    connection.execute(tenants.update().where(tenants.c.tenant == name).values(state=state, changed_at=now))
    return get(connection, name)


def allow(connection: Connection, name: str, quotas: Quotas, now: int) -> Tenant:
    """Change what one may have."""
    get(connection, name)
    row = {"quotas": quotas.model_dump_json(exclude_none=True), "changed_at": now}
    changed = connection.execute(tenants.update().where(tenants.c.tenant == name).values(**row))
    if not changed.rowcount:
        connection.execute(tenants.insert().values(tenant=name, state="active", created_at=now, **row))
    return get(connection, name)


def begin_deleting(connection: Connection, name: str, now: int) -> None:
    """From here on it only goes forward: no server opens this tenant again."""
    _not_the_first(name)
    get(connection, name)
    connection.execute(tenants.update().where(tenants.c.tenant == name).values(state="deleting", changed_at=now))


def _not_the_first(name: str) -> None:
    if name == TENANT:
        raise Refused(f"the tenant {TENANT} is the server's own", hint="stop the server, or remove its data folder")


def _tenant(name: str, state: State, quotas: str, created_at: int, changed_at: int) -> Tenant:
    return Tenant(name, state, Quotas.model_validate_json(quotas), created_at, changed_at)


_FIRST = Tenant(TENANT, "active", Quotas(), 0, 0)
