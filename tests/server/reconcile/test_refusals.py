"""What devices would not take: kept by cause on SQLite and PostgreSQL, shown by the API, over in the end."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, update

from guru_server.fleet.tables import device_state
from guru_server.gateway.items import Received
from guru_server.reconcile.refusals import CAUSES_A_DEVICE, refusal_recorder, refusals, refusing
from guru_server.reconcile.reports import report_recorder
from guru_server.reconcile.status import device_conditions
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from guru_wire.operator import DeviceDetail
from guru_wire.uplink import Refusal, Report
from tests.server.conftest import Api

DEVICE = "d" * 32
NOW = 1_700_000_000_000
REPLAYED = Refusal(at=NOW - 9000, code="G0495", message="replayed", serial=3)


async def say(db: Database, *said: Refusal, device: str = DEVICE) -> None:
    """What the device says it refused."""
    items = [Received(TENANT, device, at, one.model_dump(mode="json")) for at, one in enumerate(said, 1)]
    await db.write(lambda connection: refusal_recorder(lambda: NOW)(connection, items))


async def ran(db: Database, device: str, *, serial: int, at: int) -> None:
    """The device tells of a run."""
    body = Report(
        run=f"{serial}{at}".ljust(32, "0"), serial=serial, revision="a" * 40, bundle="b" * 64,
        started_at=at - 10, finished_at=at, cause="manifest", converged=True,
    )
    item = Received(TENANT, device, 1, body.model_dump(mode="json"))
    await db.write(lambda connection: report_recorder(lambda: NOW)(connection, [item]))


async def desire(db: Database, device: str, serial: int) -> None:
    """The device's newest manifest has this serial."""
    change = update(device_state).where(device_state.c.device == device).values(desired_serial=serial)
    await db.write(lambda connection: connection.execute(change).rowcount)


async def test_the_same_refusal_is_one_row_that_counts(db: Database) -> None:
    await say(db, REPLAYED, REPLAYED.model_copy(update={"at": NOW - 1000}))
    await say(db, REPLAYED.model_copy(update={"at": NOW - 5000}))

    (row,) = await db.read(lambda connection: refusals(connection, TENANT, DEVICE))
    assert (row.times, row.first_at, row.at) == (3, NOW - 9000, NOW - 1000)
    assert (row.code, row.message, row.serial) == ("G0495", "replayed", 3)


async def test_a_device_that_invents_refusals_fills_no_more_than_its_share(db: Database) -> None:
    await say(db, *(REPLAYED.model_copy(update={"at": NOW - 100 + n, "message": f"bad {n}"}) for n in range(50)))
    await say(db, REPLAYED, device="e" * 32)

    rows = await db.read(lambda connection: refusals(connection, TENANT, DEVICE))
    others = await db.read(lambda connection: refusals(connection, TENANT, "e" * 32))
    assert [row.message for row in rows] == [f"bad {n}" for n in range(49, 49 - CAUSES_A_DEVICE, -1)]
    assert len(others) == 1


async def test_text_and_time_of_a_refusal_are_made_safe(db: Database) -> None:
    await say(db, Refusal(at=NOW * 2, code="G\x1b[2J", message="line\n\x1b[31mred\u202e" + "x" * 5000))

    (row,) = await db.read(lambda connection: refusals(connection, TENANT, DEVICE))
    assert (row.at, row.code, row.serial) == (NOW, "G [2J", None)
    assert row.message.startswith("line  [31mred x")
    assert len(row.message) == 500


async def test_the_api_shows_refusals_newest_first_and_counts_the_device(api: Api) -> None:
    device = await api.device("web1")
    await api.device("web2")
    await desire(api.db, device, 3)
    await say(api.db, REPLAYED, Refusal(at=NOW - 10, code="G0495", message="expired", serial=4), device=device)

    detail = DeviceDetail.model_validate((await api.http.get("/devices/web1")).json())
    other = DeviceDetail.model_validate((await api.http.get("/devices/web2")).json())
    assert [row.message for row in detail.refusals] == ["expired", "replayed"]
    assert [(one.type, one.reason, one.message) for one in detail.conditions] == [
        ("Stalled", "ManifestRefused", "expired")
    ]
    assert (other.refusals, other.conditions) == ((), ())


@pytest.mark.parametrize(
    ("desired", "applied", "at", "stands"),
    [
        (3, 2, NOW, True),              # it went on with what it had
        (3, 3, NOW - 1, True),          # up to date, and then it was sent something bad
        (3, 3, NOW, False),             # it took the newest and ran it since
        (4, 3, NOW, True),              # there is a newer one that it did not take yet
    ],
)
async def test_a_refusal_stands_until_the_newest_manifest_was_run(
    api: Api, desired: int, applied: int, at: int, stands: bool
) -> None:
    device = await api.device("web1")
    await desire(api.db, device, desired)
    await say(api.db, REPLAYED.model_copy(update={"at": NOW}), device=device)
    await ran(api.db, device, serial=applied, at=at)

    def looked(connection: Connection) -> tuple[list[str], int]:
        names = [one.name for one in refusing(connection, TENANT)]
        return names, len(device_conditions(connection, TENANT, device, NOW))

    assert await api.db.read(looked) == ((["web1"], 1) if stands else ([], 0))


async def test_a_revoked_device_counts_no_more(api: Api) -> None:
    device = await api.device("web1")
    await say(api.db, REPLAYED, device=device)
    before = await api.db.read(lambda connection: refusing(connection, TENANT))
    await api.http.delete("/devices/web1")

    assert [one.device for one in before] == [device]
    assert await api.db.read(lambda connection: refusing(connection, TENANT)) == ()
