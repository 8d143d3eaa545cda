"""The stream of events on real processes: over a server that is killed, nothing is missed and nothing comes twice."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.lab.office import PATIENCE
from tools.lab.world import BIN, World, wait_until

pytestmark = pytest.mark.e2e


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


def test_a_watcher_misses_and_doubles_nothing_when_the_server_is_killed(world: World, tmp_path: Path) -> None:
    world.simulate(1, "acme", "hq", "--names", "pc-{n}", "--duration", "0", "--quiet")
    wait_until("it joined", lambda: world.get("/devices")["total"] == 1, PATIENCE)
    name = world.get("/devices")["items"][0]["name"]
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
