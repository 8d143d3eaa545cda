"""What became of an alert, line by line, in the transaction of what it tells about. It decides nothing."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence

from sqlalchemy import Connection, select

from guru_policy.alerting.episode import Event
from guru_policy.alerting.telling import RULE, Progress
from guru_server.alerts.seeing import Transition
from guru_server.alerts.tables import alert_event
from guru_server.store.binding import whose
from guru_wire.alerting import AlertMoment

MOST = 500                              # lines that are shown
_ORDER = ("fired", "unmuted", "muted", "unacknowledged", "told", "acknowledged", "resolved")


def note(
    connection: Connection, alert: str, at: int, event: str, who: Sequence[str] = (), text: str = ""
) -> None:
    """Write a line. Of one moment the lines stand in the order in which things happen."""
    connection.execute(alert_event.insert().values(
        tenant=whose(connection), alert=alert, id=f"{at:016x}{_ORDER.index(event):02d}{secrets.token_hex(7)}", at=at,
        event=event, who=json.dumps(list(who)), text=text[:1000],
    ))


def note_changes(
    connection: Connection, alert: str, event: Event | None, before: Progress | None, change: Transition, now: int
) -> None:
    """Every line that a change of an alert is worth."""
    if event == "firing":
        note(connection, alert, now, "fired")
    after = change.progress
    if after is not None:
        muted = before.muted if before is not None else ()
        if after.muted != muted:
            windows = after.muted or muted
            note(connection, alert, now, "muted" if after.muted else "unmuted", windows)
        if before is not None and before.acknowledged and not after.acknowledged:
            note(connection, alert, now, "unacknowledged", text="nobody has it any more: its time is over")
    for telling in change.tellings:
        if telling.tells:
            again = f", round {telling.round + 1}" if telling.round else ""
            step = "by the rule" if telling.step == RULE else f"step {telling.step}{again}"
            note(connection, alert, now, "told", telling.tells, step)
    if event == "resolved":
        note(connection, alert, now, "resolved", before.told if before is not None else (), change.reason)


def lines_of(connection: Connection, alert: str) -> tuple[AlertMoment, ...]:
    """The newest lines, in the order of time."""
    query = select(alert_event).where(alert_event.c.tenant == whose(connection), alert_event.c.alert == alert)
    newest = connection.execute(query.order_by(alert_event.c.id.desc()).limit(MOST)).all()
    return tuple(
        AlertMoment(at=row.at, event=row.event, who=tuple(json.loads(row.who)), text=row.text)
        for row in reversed(newest)
    )
