"""kill -9 at every stage of ingest: nothing acknowledged is lost, nothing is stored twice."""

from __future__ import annotations

import asyncio
import sys

import pytest
from sqlalchemy import text

from guru_server.store.database import Database
from tests.server.gateway.ingesting import ITEMS


@pytest.mark.fault
@pytest.mark.parametrize("stage", ["ingest-received", "ingest-stored", "ingest-committed", "ingest-acked"])
async def test_a_kill_loses_nothing_acknowledged_and_doubles_nothing(database_url: str, stage: str) -> None:
    ends, acknowledged, marks = [], 0, []
    while not ends or ends[-1] != 0:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.server.gateway.ingesting", database_url, stage,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 60)
        ends.append(process.returncode)
        for line in said.decode().splitlines():
            word, number = line.split()
            if word == "mark":
                marks.append((int(number), acknowledged))
            acknowledged = int(number)      # a sender learns the mark when it connects, too

    db = Database.open(database_url)
    stored = await db.read(lambda c: c.execute(text("SELECT count FROM refused_item")).scalar_one())
    await db.close()
    assert -9 in ends
    assert all(mark >= told for mark, told in marks)
    assert (stored, acknowledged) == (ITEMS, ITEMS)
