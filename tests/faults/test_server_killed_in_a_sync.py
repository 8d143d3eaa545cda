"""A real server, killed with -9 at every stage of a sync: all of a commit is there or nothing of it."""

from __future__ import annotations

import json
import signal

import pytest

from tools.lab.office import PATIENCE, device, holds, note
from tools.lab.rows import rows
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.fault

BEFORE, AFTER = ("fetched", "loaded", "compiled", "signed", "storing"), ("stored", "published")
PATH = "/etc/office/note.txt"
CASES = [
    *(("sqlite", stage) for stage in (*BEFORE, *AFTER)),
    *(("postgresql", stage) for stage in ("storing", "stored")),
]


def of(world: World, revision: str) -> dict[str, int]:
    """How much of a commit there is, by table; every count is 0 or that of a whole commit."""
    queries = {
        "revisions": "SELECT count(*) FROM revision WHERE revision = :r AND finished_at IS NOT NULL",
        "begun": "SELECT count(*) FROM revision WHERE revision = :r",
        "customers": "SELECT count(*) FROM customer_source WHERE org_revision = :r AND customer_revision = :r",
        "manifests": "SELECT count(*) FROM manifest WHERE revision = :r",
        "bundles": "SELECT count(*) FROM manifest m JOIN bundle b ON b.digest = m.bundle WHERE m.revision = :r",
        "told": "SELECT count(*) FROM device_state s JOIN manifest m ON m.device = s.device"
                " AND m.serial = s.desired_serial WHERE s.desired_revision = :r",
    }
    return {name: int(rows(world.database_url, query, {"r": revision})[0][0]) for name, query in queries.items()}


def reported(world: World, revision: str) -> list[str]:
    """What became of the note, by every report of this revision that says that it was touched."""
    bodies = [json.loads(body) for (body,) in rows(world.database_url, "SELECT body FROM run")]
    return [
        one["change"] for body in bodies if body["revision"] == revision
        for one in body["resources"] if one["id"] == "note" and one["outcome"] == "changed"
    ]


@pytest.mark.parametrize(("world", "stage"), CASES, indirect=["world"])
def test_a_kill_leaves_the_whole_commit_or_nothing_and_devices_converge(
    world: World, place: AgentPlace, stage: str
) -> None:
    serial = device(world, place.name)["serial"]
    world.server.kill()
    revision = world.remote.push(f"Die at {stage}", {"org/note.yaml": note(PATH, stage)})
    world.start_server({"GURU_SERVER_KILL_AT": stage}, wait=False)
    wait_until(f"it dies at {stage}", lambda: not world.server.running)
    end, left = world.server.exit_code, of(world, revision)

    world.start_server()
    world.children[f"agent {place.name}"].kill()
    world.start_agent(place)            # a new process, so that it need not wait out its back-off
    wait_until("the device has it", lambda: holds(place, PATH, stage), PATIENCE)
    wait_until("it says so", lambda: device(world, place.name)["applied_revision"] == revision, PATIENCE)

    whole = {"revisions": 1, "begun": 1, "customers": 2, "manifests": 1, "bundles": 1, "told": 1}
    assert end == -signal.SIGKILL
    assert left == (whole if stage in AFTER else dict.fromkeys(whole, 0))
    assert of(world, revision) == whole
    assert device(world, place.name)["serial"] == serial + 1
    assert reported(world, revision) == ["intentional"]
