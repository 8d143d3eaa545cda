"""The stream of events on real processes: over a server that is killed, nothing is missed and nothing comes twice."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.lab.inbox import Inbox
from tools.lab.office import PATIENCE, office
from tools.lab.world import BIN, World, wait_until

pytestmark = pytest.mark.e2e

SECRET = "whsec_" + base64.b64encode(b"s" * 24).decode()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The small office with one simulated device, and a secret to sign webhooks with."""
    settings = {"GURU_SERVER_NOTIFY__SECRETS": json.dumps({"psa": SECRET})}
    with office(tmp_path_factory.mktemp("events"), settings=settings) as made:
        made.simulate(1, "acme", "hq", "--names", "pc-{n}", "--duration", "0", "--quiet")
        wait_until("it joined", lambda: made.get("/devices")["total"] == 1, PATIENCE)
        yield made


@pytest.fixture
def name(world: World) -> str:
    return str(world.get("/devices")["items"][0]["name"])


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    made.start()
    yield made
    made.stop()


class Watcher:
    """`guru events --watch` as a process of its own."""

    def __init__(self, world: World, folder: Path) -> None:
        self._out, self._err = folder / "events.ndjson", folder / "events.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [BIN / "guru", "events", "--watch", "--after", "0", "-o", "ndjson"], stdout=out, stderr=err,
                env=world.guru_env())

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it has printed, in whole lines."""
        return [json.loads(line) for line in self._out.read_text().split("\n")[:-1]]

    @property
    def said(self) -> str:
        return self._err.read_text()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(30)


def labelled(watcher: Watcher) -> list[object]:
    return [one["data"]["result"] for one in watcher.events if one["type"].endswith("device.labelled")]


def test_a_watcher_misses_and_doubles_nothing_when_the_server_is_killed(
    world: World, name: str, tmp_path: Path
) -> None:
    watcher = Watcher(world, tmp_path)
    try:
        world.guru("device", "label", name, "round=1")
        wait_until("the first label is told", lambda: len(labelled(watcher)) == 1, PATIENCE)
        for number in (2, 3):
            world.guru("device", "label", name, f"round={number}")
            world.server.kill()
            world.start_server()
        wait_until("the last label is told", lambda: len(labelled(watcher)) == 3, PATIENCE)
        wait_until("it is told to be there", lambda: any(
            one["type"].endswith("device.online") for one in watcher.events), PATIENCE)
        sequences = [int(one["sequence"]) for one in watcher.events]
        ids = {one["id"] for one in watcher.events}
        printed = world.guru("events", "--after", "0", "-o", "ndjson").out.splitlines()
    finally:
        watcher.stop()

    assert sequences == list(range(1, len(sequences) + 1))
    assert len(ids) == len(sequences)
    assert [json.loads(line)["id"] for line in printed][: len(sequences)] == [one["id"] for one in watcher.events]
    assert "nothing is lost" in watcher.said


def test_a_webhook_of_the_repository_gets_an_event_again_when_the_server_is_killed_before_the_answer(
    world: World, name: str, inbox: Inbox
) -> None:
    world.remote.push("Webhook", {"org/psa.yaml": f"""apiVersion: guru/v1
kind: Webhook
metadata: {{name: psa}}
spec: {{url: "{inbox.url}", events: [device.labelled], sign: psa}}
"""})
    world.guru("sync")
    wait_until("it is known", lambda: [one["state"] for one in world.get("/hooks")["items"]] == ["new"], PATIENCE)
    tested = world.ask("webhook", "test", "psa")
    wait_until("it listens", lambda: world.guru("webhook", "list", "-o", "csv").out.count(",ok,") == 1, PATIENCE)
    inbox.answering.clear()
    world.guru("device", "label", name, "killed=1")
    before = len(inbox.wait_for(2, PATIENCE))
    world.server.kill()
    inbox.answering.set()
    world.start_server()
    letters = inbox.wait_for(before + 1, PATIENCE)
    wait_until("it is noted", lambda: world.get("/hooks")["items"][0]["waiting"] == 0, PATIENCE)
    listed = json.loads(world.guru("webhook", "deliveries", "org/psa", "-o", "json").out)["items"]
    again = world.ask("webhook", "redeliver", listed[0]["id"])

    assert isinstance(tested, dict)
    assert (tested["state"], tested["status"]) == ("delivered", 204)
    assert [one.body["type"] for one in letters] == [
        "dev.gururmm.webhook.tested", "dev.gururmm.device.labelled", "dev.gururmm.device.labelled"]
    assert letters[1].headers["webhook-id"] == letters[2].headers["webhook-id"]
    assert isinstance(again, dict)
    assert (again["state"], again["event"]) == ("delivered", letters[1].headers["webhook-id"])


def test_listening_forwards_what_happens_to_a_program_on_this_machine(
    world: World, name: str, inbox: Inbox, tmp_path: Path
) -> None:
    world.guru("device", "label", name, "heard=1")
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    done = world.guru("listen", "--forward", inbox.url, "--type", "device.labelled", "--since", "1h", "--limit", "1",
                      "--secret-file", str(secret), "-o", "ndjson")

    assert json.loads(done.out)["status"] == 204
    assert inbox.letters[0].body["type"] == "dev.gururmm.device.labelled"
