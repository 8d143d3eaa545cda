"""An alert on real processes: told, escalated while nobody takes it up, stopped by whoever does, muted by windows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tools.lab.escalating import escalating
from tools.lab.inbox import Inbox, Letter
from tools.lab.office import PATIENCE, device, holds, note, office, settle
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.e2e

SLOW = 3600                             # seconds: a step that does not come within a test


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with office(tmp_path_factory.mktemp("alerting")) as made:
        yield made


@pytest.fixture(scope="module")
def place(world: World) -> AgentPlace:
    return settle(world, "acme-pc01")


@pytest.fixture
def inboxes() -> Iterator[tuple[Inbox, Inbox]]:
    """The desk's and the shift's."""
    made = Inbox(), Inbox()
    for one in made:
        one.start()
    yield made
    for one in made:
        one.stop()


@pytest.fixture
def broken(world: World, place: AgentPlace) -> Iterator[Path]:
    """The file that breaks the check; afterwards it is gone and its alert is over."""
    path = place.root / "var/lib/office/broken"
    yield path
    path.unlink(missing_ok=True)
    wait_until("the alert is over", lambda: firing(world) == [], PATIENCE)


def firing(world: World) -> list[Any]:
    return list(world.get("/alerts?state=firing")["items"])


def set_up(world: World, files: Mapping[str, str]) -> None:
    """The rules are in force."""
    revision = world.remote.push("Alert", files)
    wait_until("they are in force", lambda: world.get("/status")["attempted_revision"] == revision, PATIENCE)


def events(letters: list[Letter]) -> list[tuple[object, object]]:
    """The event and the step of each delivery."""
    return [(one.body["event"], (one.body["escalation"] or {}).get("step"))  # type: ignore[attr-defined]
            for one in letters]


def begun(inbox: Inbox) -> list[tuple[object, object]]:
    """The deliveries about what fires: that an alert of another test has ended may come late."""
    return [one for one in events(inbox.letters) if one[0] == "firing"]


def test_an_alert_escalates_is_taken_up_and_ends(
    world: World, place: AgentPlace, inboxes: tuple[Inbox, Inbox], broken: Path
) -> None:
    desk, shift = inboxes
    set_up(world, escalating(desk.url, shift.url, after=6))
    broken.touch()
    assert events(desk.wait_for(1, PATIENCE)) == [("firing", None)]
    assert events(shift.wait_for(1, PATIENCE)) == [("firing", "shift")]

    (alert,) = firing(world)
    taken: Any = world.ask("alert", "ack", alert["id"][:8], "--for", "2h", "-m", "form ordered")
    listed = world.guru("alert", "list", "-o", "jsonpath=.items[0].acked_by").out.strip()
    broken.unlink()
    told = [events(box.wait_for(2, PATIENCE)) for box in inboxes]
    wait_until("every note is delivered", lambda: all(
        one["state"] == "delivered" for one in world.get(f"/alerts/{alert['id']}")["notes"]), PATIENCE)
    story: Any = world.ask("alert", "show", alert["id"])

    assert (taken["ack_note"], listed) == ("form ordered", taken["acked_by"])
    assert told == [[("firing", None), ("resolved", None)], [("firing", "shift"), ("resolved", None)]]
    assert [(one["event"], one["who"]) for one in story["timeline"]] == [
        ("began", []), ("fired", []), ("told", ["desk"]), ("told", ["shift"]), ("acknowledged", [taken["acked_by"]]),
        ("resolved", ["desk", "shift"])]


def test_who_takes_it_up_in_time_is_the_only_one_who_is_called(
    world: World, place: AgentPlace, inboxes: tuple[Inbox, Inbox], broken: Path
) -> None:
    desk, shift = inboxes
    set_up(world, escalating(desk.url, shift.url, after=45, every=45))
    broken.touch()
    (letter,) = desk.wait_for(1, PATIENCE)
    world.guru("alert", "ack", str(letter.body["alert"]))
    fired = int(str(letter.body["firedAt"]))

    wait_until("its time has passed", lambda: datetime.now(UTC).timestamp() * 1000 > fired + 60_000, PATIENCE)

    assert shift.letters == []
    assert [row["acked_by"] for row in firing(world)] != [""]


def test_an_alert_in_a_window_tells_nobody_before_it_closes(
    world: World, place: AgentPlace, inboxes: tuple[Inbox, Inbox], broken: Path
) -> None:
    desk, shift = inboxes
    begin = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M")
    set_up(world, escalating(desk.url, shift.url, after=SLOW, window=f"start: {begin}, duration: 2h"))
    broken.touch()
    wait_until("it fires", lambda: bool(firing(world)), PATIENCE)
    wait_until("it is muted", lambda: firing(world)[0]["muted_by"] == ["now"], PATIENCE)
    assert begun(desk) == []

    set_up(world, escalating(desk.url, shift.url, after=SLOW))

    wait_until("it is told", lambda: begun(desk) == [("firing", None)], PATIENCE)


def test_a_window_by_hand_mutes_until_somebody_closes_it(
    world: World, place: AgentPlace, inboxes: tuple[Inbox, Inbox], broken: Path
) -> None:
    desk, shift = inboxes
    set_up(world, escalating(desk.url, shift.url, after=SLOW))
    started: Any = world.ask("maint", "start", "-l", "name=acme-pc01", "--duration", "1h", "--reason", "new switch")
    broken.touch()
    wait_until("it is muted", lambda: [row["muted_by"] for row in firing(world)] == [[started["row"]["id"]]], PATIENCE)
    assert (begun(desk), started["devices"]) == ([], 1)
    desk.letters.clear()                # that an alert of another test has ended may come this late

    ended = json.loads(world.guru("maint", "end", started["row"]["id"], "-o", "json").out)

    assert ended["open"] is False
    assert events(desk.wait_for(1, PATIENCE)) == [("firing", None)]


def test_a_device_changes_nothing_while_a_window_blocks_it(world: World, place: AgentPlace) -> None:
    begin = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M")
    freeze = f"""apiVersion: guru/v1
kind: MaintenanceWindow
metadata: {{name: freeze}}
spec: {{start: {begin}, duration: 2h, timezone: UTC, effects: [block-changes]}}
"""
    world.remote.push("Freeze, and want a note", {
        "org/freeze.yaml": freeze, "org/note.yaml": note("/etc/office/note.txt", "late")})

    def held() -> bool:
        return any(one["reason"] == "MaintenanceWindow" and "freeze until" in one["message"]
                   for one in device(world, place.name)["conditions"])

    wait_until("the device says that it waits", held, PATIENCE)
    drift = world.guru("drift", "--open", "-o", "jsonpath=.items[*].resource").out.split()
    assert (device(world, place.name)["state"], "note" in drift) == ("Updating", True)
    assert not (place.root / "etc/office/note.txt").exists()

    world.remote.push("Thaw", {"org/freeze.yaml": None})
    wait_until("it is made up for", lambda: holds(place, "/etc/office/note.txt", "late"), PATIENCE)
    wait_until("and told", lambda: device(world, place.name)["state"] == "UpToDate", PATIENCE)
