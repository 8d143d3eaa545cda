"""What a tenant may have at most. It counts nothing itself: whoever makes something says how much of it there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, select

from guru_policy.errors import Refused
from guru_server.store.binding import whose
from guru_server.tenants.tables import tenants

Counted = Literal["devices", "people", "keys", "jobs", "output"]
HOUR = 3_600_000                        # ms
_WORDS: dict[Counted, str] = {
    "devices": "devices", "people": "people with an account", "keys": "API keys", "jobs": "jobs an hour",
    "output": "bytes of kept output",
}


class Quotas(BaseModel):
    """So much at most; None is no limit."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    devices: int | None = Field(default=None, ge=0)
    people: int | None = Field(default=None, ge=0)
    keys: int | None = Field(default=None, ge=0)
    jobs: int | None = Field(default=None, ge=0)            # begun within an hour
    output: int | None = Field(default=None, ge=0)          # bytes that jobs printed and that are kept


def quotas_of(connection: Connection) -> Quotas:
    """Those of the connection's tenant."""
    return _read(connection.execute(select(tenants.c.quotas).where(tenants.c.tenant == whose(connection))).scalar())


def make_room(connection: Connection, what: Counted, have: Callable[[], int], more: int = 1) -> None:
    """Return when there may be `more` of it; Refused when not. `have` counts what there is.

    Call it in the transaction that makes it: of two at once, one waits for the other.
    """
    most: int | None = getattr(quotas_of(connection), what)
    if most is None:
        return
    mine = select(tenants.c.tenant).where(tenants.c.tenant == whose(connection))
    connection.execute(mine.with_for_update())
    there = have()
    if there + more > most:
        raise Refused(
            f"this tenant may have {most:,} {_WORDS[what]}, and has {there:,}",
            hint="whoever runs the server can raise it: guru-server tenant set",
        )


def _read(text: str | None) -> Quotas:
    try:
        return Quotas.model_validate_json(text or "{}")
    except ValidationError:             # of a newer server
        return Quotas()
