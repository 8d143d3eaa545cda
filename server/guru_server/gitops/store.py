"""What gitops keeps: deliveries that were seen, and how fetching goes. It decides nothing."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select, text

from guru_server.gitops.tables import fetch_state, webhook_delivery

REMEMBERED = 10_000                     # deliveries a forge
REMEMBERED_MS = 30 * 24 * 3600 * 1000

_INSERT = text(
    "INSERT INTO webhook_delivery (tenant, forge, delivery, seen_at)"
    " VALUES (:tenant, :forge, :delivery, :now) ON CONFLICT DO NOTHING"
)
_STATE = text(
    "INSERT INTO fetch_state (tenant, error, since) VALUES (:tenant, :error, :now)"
    " ON CONFLICT (tenant) DO UPDATE SET error = excluded.error, since = excluded.since"
)


def remember_delivery(connection: Connection, tenant: str, forge: str, delivery: str, now: int) -> bool:
    """Whether this delivery is new; it is remembered for 30 days, and the newest 10,000 of them are."""
    values = {"tenant": tenant, "forge": forge, "delivery": delivery, "now": now}
    if not connection.execute(_INSERT, values).rowcount:
        return False
    seen = (webhook_delivery.c.tenant == tenant, webhook_delivery.c.forge == forge)
    if connection.execute(select(func.count()).where(*seen)).scalar_one() > REMEMBERED:
        newest = select(webhook_delivery.c.seen_at).where(*seen).order_by(webhook_delivery.c.seen_at.desc())
        cut = connection.execute(newest.offset(REMEMBERED).limit(1)).scalar_one()
        connection.execute(delete(webhook_delivery).where(*seen, webhook_delivery.c.seen_at <= cut))
    old = webhook_delivery.c.seen_at < now - REMEMBERED_MS
    connection.execute(delete(webhook_delivery).where(*seen, old))
    return True


def fetch_error(connection: Connection, tenant: str) -> tuple[str, int | None]:
    """Why the remote cannot be fetched, or nothing, and since when."""
    row = connection.execute(select(fetch_state).where(fetch_state.c.tenant == tenant)).one_or_none()
    return (row.error, row.since) if row is not None else ("", None)


def set_fetch_error(connection: Connection, tenant: str, error: str, now: int) -> None:
    """Keep how fetching goes from now on."""
    connection.execute(_STATE, {"tenant": tenant, "error": error, "now": now})
