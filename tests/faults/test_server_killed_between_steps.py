"""The server is killed while an alert escalates: nobody is told twice, and nobody is forgotten."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tools.lab.escalating import escalating
from tools.lab.inbox import Inbox
from tools.lab.office import PATIENCE
from tools.lab.rows import rows
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.fault

AFTER = 10                              # seconds between the rule and the step


@pytest.fixture
def inboxes() -> Iterator[tuple[Inbox, Inbox]]:
    """The desk's and the shift's."""
    made = Inbox(), Inbox()
    for one in made:
        one.start()
    yield made
    for one in made:
        one.stop()


def notes(world: World) -> list[tuple[str, str, str, int]]:
    """What was put into the outbox: who, what, by which step and round."""
    return sorted(tuple(row) for row in rows(
        world.database_url, "SELECT channel, event, step, round FROM notification"))


@pytest.mark.parametrize("world", ["sqlite", "postgresql"], indirect=True)
def test_every_step_is_told_once_whenever_the_server_is_killed(
    world: World, place: AgentPlace, inboxes: tuple[Inbox, Inbox]
) -> None:
    desk, shift = inboxes
    revision = world.remote.push("Alert", escalating(desk.url, shift.url, after=AFTER))
    wait_until("it is in force", lambda: world.get("/status")["attempted_revision"] == revision, PATIENCE)
    broken = place.root / "var/lib/office/broken"
    broken.touch()
    (first,) = desk.wait_for(1, PATIENCE)
    world.server.kill()
    down_until = time.monotonic() + AFTER + 2           # the step comes due while nobody is there

    wait_until("its time has passed", lambda: time.monotonic() > down_until, PATIENCE)
    world.start_server()
    shift.wait_for(1, PATIENCE)
    world.server.kill()
    world.start_server()
    broken.unlink()
    for box in inboxes:
        wait_until("its end is told", lambda box=box: any(
            one.body["event"] == "resolved" for one in box.letters), PATIENCE)

    step = "org/nobody-took-it-up/shift"
    assert notes(world) == [("desk", "firing", "", 0), ("desk", "resolved", "", 0), ("shift", "firing", step, 0),
                            ("shift", "resolved", "", 0)]
    # A server killed between a delivery and its record delivers again, by the same id: nobody is told anything new.
    assert len({one.headers["webhook-id"] for one in (*desk.letters, *shift.letters)}) == 4
    assert {one.body["alert"] for one in (*desk.letters, *shift.letters)} == {first.body["alert"]}
