"""What is repeated without end: the first of a kind, then counts, and never more rows than are allowed."""

from __future__ import annotations

import asyncio

from guru_server.audit.log import Deed
from guru_server.audit.repeated import STRANGER, Repeated, Tally
from guru_server.audit.verifying import entries
from guru_server.clock import SetClock
from guru_server.store.database import Database
from guru_server.store.schema import TENANT


def knock(address: str = "192.0.2.1", request: str = "") -> Deed:
    return Deed(STRANGER, "SignInFailed", "token", "unknown", address=address, request=request)


def test_the_first_is_told_and_the_others_are_counted_until_the_window_ends() -> None:
    tally = Tally(window=1000)
    told = [tally.take(knock(request=f"r{at}"), at) for at in range(5)]

    assert told == [knock(request="r0"), None, None, None, None]
    assert tally.ended(999) == []
    assert tally.ended(1000) == [knock()._replace(result="unknown (4 more times)")]
    assert tally.ended(5000) == []


def test_strangers_from_many_addresses_share_one_row_beyond_a_number_of_kinds() -> None:
    tally = Tally(window=1000, kinds=10)
    told = [one for at in range(500) if (one := tally.take(knock(f"192.0.2.{at}"), 1))]
    ended = tally.ended(2000)

    assert len(told) == 11
    assert told[-1] == Deed(STRANGER, "SignInFailed", "", "of many kinds")
    assert [one.result for one in ended] == ["of many kinds (489 more times)"]
    assert tally.take(knock("198.51.100.7"), 2001) == knock("198.51.100.7")


def test_what_strangers_do_takes_nothing_from_people_who_signed_in() -> None:
    tally = Tally(kinds=1)
    tally.take(knock(), 0)
    tally.take(knock("198.51.100.7"), 0)
    person = Deed("person:vera", "AuditRead", "audit")

    assert tally.take(person, 0) == person


async def test_what_was_counted_is_told_at_the_stop(db: Database) -> None:
    repeated = Repeated(db, SetClock())
    work = asyncio.ensure_future(repeated.run())
    for _ in range(3):
        await repeated.note(knock())
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    rows = await db.read(lambda connection: entries(connection, TENANT, 0, 10))

    assert [row.result for row in rows] == ["unknown", "unknown (2 more times)"]
