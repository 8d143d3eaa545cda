"""Standing queries as an agent asks them: on their interval, with no server in reach, and only differences are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from guru_agent.sampling.standing import LONGEST, ROOM, Answer, Standing, asking
from guru_agent.state.desired import Accepted
from guru_policy.bundle import AgentSettings, Bundle, PlacedQuery
from guru_policy.query.kept import MOST_OF_QUERY, of_query
from guru_wire.inventory import InventoryDelta
from guru_wire.manifest import Manifest
from guru_wire.version import LANGUAGE
from tests.agent.conftest import Parts

ROOT, ANNA, BEN = ("root", 0), ("anna", 1000), ("ben", 1001)
SQL = "select username, uid from users"


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> int:
        return int(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds


class Asker:
    """A device with queries, and the answer that a test sets."""

    def __init__(self, parts: Parts, device: str = "d" * 32) -> None:
        self.parts, self.clock, self.answer, self.asked = parts, Hands(), Answer(), 0
        self.standing = Standing(device, parts.store, parts.spool, parts.desired, self.clock, self._look)  # type: ignore[arg-type]

    async def _look(self, query: PlacedQuery) -> Answer:
        self.asked += 1
        return self.answer

    def have(self, *queries: PlacedQuery) -> None:
        bundle = Bundle(language=LANGUAGE, agent=AgentSettings(), queries=queries)
        manifest = Manifest(device="d" * 32, serial=1, revision="a" * 40, bundle="0" * 64, issued_at=0, expires_at=1)
        self.parts.desired.current = Accepted(manifest, bundle)
        self.parts.desired.version += 1

    async def after(self, seconds: float, *rows: tuple[str, int], problem: str = "") -> list[InventoryDelta]:
        """What is told of this answer that much later."""
        self.answer = Answer(problem=problem) if problem else Answer(("username", "uid"), rows)
        self.clock.seconds += seconds
        before = self.parts.spool.last
        await self.standing.turn()
        return [InventoryDelta.model_validate_json(item.body) for item in self.parts.spool.batch(1000, 1 << 26)
                if item.kind == "inventory" and item.seq > before]


def users(sql: str = SQL, **more: object) -> PlacedQuery:
    return PlacedQuery.model_validate({"id": "users", "sql": sql, "every": 600, **more})


@pytest.fixture
async def asker(parts: Parts) -> Asker:
    made = Asker(parts)
    made.have(users())
    await made.standing.turn()
    return made


async def test_the_first_answer_is_whole_and_later_ones_are_differences_and_nothing_when_nothing_is_new(
    asker: Asker
) -> None:
    [first] = await asker.after(600, ROOT, ANNA)
    quiet = await asker.after(600, ANNA, ROOT)
    [then] = await asker.after(600, ROOT, BEN)

    assert (first.table, first.basis, set(first.rows)) == ("query:users", "", {ROOT, ANNA})
    assert quiet == []
    assert (then.basis, then.rows) == (first.digest, (BEN,))
    assert then.removed == (of_query("users", ("username", "uid")).key_of(ANNA),)


async def test_it_is_asked_once_an_interval_and_devices_begin_at_times_of_their_own(parts: Parts) -> None:
    begun: list[float] = []
    for number in range(20):
        asker = Asker(parts, f"{number:032x}")
        asker.have(users(every=300))
        await asker.standing.turn()
        while not asker.asked:
            await asker.after(5)
        begun.append(asker.clock.seconds)
        asker.asked = 0
        for _ in range(60):
            await asker.after(10)
        assert asker.asked == 2

    assert min(begun) >= 1_000
    assert max(begun) <= 1_305
    assert len(set(begun)) > 12


async def test_what_was_told_survives_a_restart(asker: Asker, parts: Parts) -> None:
    await asker.after(600, ROOT)
    parts.spool.acknowledge(1000)
    again = Asker(parts)
    again.have(users())
    await again.standing.turn()

    assert await again.after(600, ROOT) == []
    assert [one.rows for one in await again.after(600, ROOT, ANNA)] == [(ANNA,)]


async def test_another_question_of_the_same_name_begins_anew_and_one_that_is_gone_is_told_so(asker: Asker) -> None:
    [first] = await asker.after(600, ROOT)
    asker.have(users("select username, uid from users where uid < 100"))
    await asker.standing.turn()
    [second] = await asker.after(600, ROOT)
    asker.have()
    [gone] = await asker.after(0)

    assert (second.basis, second.rows, second.about != first.about) == ("", (ROOT,), True)
    assert (gone.table, gone.gone) == ("query:users", True)
    assert await asker.after(1200) == []


async def test_a_look_that_fails_is_told_once_and_takes_no_rows_away(asker: Asker) -> None:
    await asker.after(600, ROOT, ANNA)
    told = [await asker.after(600, problem="no such table: user") for _ in range(2)]
    [over] = await asker.after(600, ROOT, ANNA)

    assert [[one.problem for one in some] for some in told] == [["no such table: user"], []]
    assert (told[0][0].rows, told[0][0].removed) == ((), ())
    assert (over.problem, over.rows, over.removed, over.basis) == ("", (), (), told[0][0].digest)


async def test_one_that_failed_from_the_beginning_tells_all_of_it_once_it_is_answered(asker: Asker) -> None:
    [failed] = await asker.after(600, problem="away")
    [whole] = await asker.after(600, ROOT)

    assert (failed.basis, failed.problem) == ("", "away")
    assert (whole.basis, whole.rows) == ("", (ROOT,))


async def test_a_server_that_lost_the_thread_is_told_all_of_it_within_a_minute(asker: Asker, parts: Parts) -> None:
    await asker.after(600, ROOT)
    parts.spool.forget_inventory()
    asker.standing.anew()
    [whole] = await asker.after(LONGEST, ROOT)

    assert (whole.basis, whole.rows) == ("", (ROOT,))


async def test_an_answer_is_bounded_and_nothing_is_asked_while_too_much_waits(
    asker: Asker, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    [many] = await asker.after(600, *((f"user{number}", number) for number in range(MOST_OF_QUERY + 5)))
    [large] = await asker.after(600, *(("x" * 2000, number) for number in range(300)))
    asked = asker.asked
    monkeypatch.setattr(type(parts.spool), "crowded", property(lambda spool: True))

    assert (len(many.rows), many.cut) == (MOST_OF_QUERY, True)
    assert large.cut
    assert sum(len(str(row)) for row in large.rows) < ROOM
    assert await asker.after(600, ROOT) == []
    assert asker.asked == asked


async def test_the_device_s_own_tables_answer_and_what_cannot_be_asked_says_why(tmp_path: Path) -> None:
    look = asking(tmp_path)
    good = await look(users("select version, language from agent"))
    bad = [await look(users(sql)) for sql in ("select colour from agent", "select 1 as a, 2 as a")]

    assert (good.columns, good.rows[0][1], good.problem) == (("version", "language"), LANGUAGE, "")
    assert "no such column" in bad[0].problem
    assert "different names" in bad[1].problem
