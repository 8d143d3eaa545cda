"""Retention by policy: what is old goes, up to a checkpoint, and what is left still holds."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_server.audit.verifying import entries
from guru_server.bus import LocalBus
from guru_server.clock import SetClock
from guru_server.leases import Lease
from guru_server.retention import DAY, Retention
from guru_server.setting_parts import RetentionSettings
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from tests.server.audit.conftest import T, mark, write
from tests.server.audit.test_chain import verified


@pytest.mark.parametrize(("days", "left"), [(30, [4, 5, 6, 7]), (0, [1, 2, 3, 4, 5, 6])])
async def test_rows_older_than_the_policy_go_up_to_a_checkpoint_and_none_when_it_keeps_all(
    days: int, left: list[int], db: Database, key: Ed25519PrivateKey
) -> None:
    await db.write(lambda connection: write(connection, 3))
    await db.write(lambda connection: mark(connection, key, T))
    await db.write(lambda connection: write(connection, 3, start=4))
    await db.write(lambda connection: mark(connection, key, T + 40 * DAY))
    fence = await Lease(db, "retention", "me").acquire()
    assert fence is not None
    work = Retention(db, LocalBus(), SetClock(T + 41 * DAY), RetentionSettings(audit=days))
    await work.round(fence)
    await work.round(fence)

    assert [row.seq for row in await db.read(lambda connection: entries(connection, TENANT, 0, 100))] == left
    assert (await verified(db, key)).broken is None
