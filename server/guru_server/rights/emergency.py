"""The condition BreakGlass: somebody has the role for emergencies, or nobody reviewed what was done with it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, select

from guru_server.rights.tables import access_grant
from guru_wire.operator import Condition

NAMED = 5                               # people in a message


def emergencies(connection: Connection, tenant: str, now: int, *, told: bool = True) -> tuple[Condition, ...]:
    """BreakGlass, while it lasts and until somebody else reviewed it; empty otherwise. `told`: with names, reasons."""
    grant = access_grant.c
    rows = connection.execute(select(access_grant).where(
        grant.tenant == tenant, grant.kind == "break-glass", grant.state.in_(("granted", "revoked")),
        (grant.expires_at > now) | grant.reviewed_at.is_(None),
    ).order_by(grant.created_at)).all()
    lasting = [row for row in rows if row.state == "granted" and row.expires_at > now]
    shown = lasting or rows
    if not shown:
        return ()
    if not told:
        message = "somebody of your organisation has the role for emergencies" if lasting else "it awaits a review"
    elif lasting:
        message = "; ".join(
            f"{row.name} has {row.role} until {_time(row.expires_at)}: {row.reason}" for row in lasting[:NAMED])
    else:
        message = "; ".join(f"{row.name} had {row.role}: guru access review {row.id}" for row in rows[:NAMED])
    return (Condition(type="BreakGlass", status=True, reason="InForce" if lasting else "NotReviewed",
                      message=message, since=min(row.created_at for row in shown)),)


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")
