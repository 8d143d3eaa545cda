"""What one look at the verdicts costs, counted in steps of SQLite's own machine: no clock, no luck."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from guru_server.alerts.sweep import transitions
from guru_server.alerts.tables import alert
from guru_server.fleet.tables import device
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from guru_server.telemetry.checks import forget_unspoken
from guru_server.telemetry.tables import check_state
from tests.conftest import sqlite_url
from tests.server.alerts.conftest import InForce

DEVICES, CHECKS, ENDED = 200, 20, 500


def stock(connection: Connection) -> None:
    """Devices whose checks are all fine, and a history of alerts that ended."""
    ids = [f"{number:032x}" for number in range(DEVICES)]
    connection.execute(device.insert(), [{
        "tenant": TENANT, "id": one, "name": one, "customer": "acme", "site": "hq", "public_key": "",
        "op_labels": "{}", "facts": "{}", "services": "[]", "agent_version": "", "enrolled_by": "t",
        "enrolled_at": 0,
    } for one in ids])
    connection.execute(check_state.insert(), [{
        "tenant": TENANT, "device": one, "check_id": f"disk-{number}", "state": "ok", "since": 0, "at": 0,
        "unit": "", "message": "", "missed": 0, "seen_at": 0,
    } for one in ids for number in range(CHECKS)])
    connection.execute(alert.insert(), [{
        "tenant": TENANT, "id": f"a{number}", "rule": "org/disk", "customer": "acme", "site": "hq",
        "device": ids[0], "device_name": "web1", "check_id": "disk-0", "state": "resolved", "check_state": "ok",
        "severity": "low", "summary": "", "started_at": 0, "resolved_at": 1, "reason": "",
    } for number in range(ENDED)])


async def test_a_look_at_the_verdicts_costs_no_more_for_alerts_that_ended(tmp_path: Path) -> None:
    db = Database.open(sqlite_url(tmp_path / "guru.db"))
    await db.write(stock)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 100
        return 0

    def look(connection: Connection) -> None:
        Database.raw(connection).set_progress_handler(count, 100)
        transitions(connection, InForce(), 1)
        forget_unspoken(connection)

    await db.write(look)
    await db.close()

    assert steps < 60 * DEVICES * CHECKS
