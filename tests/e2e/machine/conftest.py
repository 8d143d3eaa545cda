"""A copy of this machine with a real agent under a real systemd, and the server that it answers to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.machine.packages import SOURCES, publish
from tools.lab.clone import Clone
from tools.lab.world import World, wait_until

HERE = Path(__file__).parent
NAME = "clone"
EXAMPLE = {
    "fleet.yaml": "apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: fleet}\nspec: {}\n",
    "customers/acme/customer.yaml": "apiVersion: guru/v1\nkind: Customer\nmetadata: {name: acme}\nspec: {}\n",
    "customers/acme/sites/hq/site.yaml": "apiVersion: guru/v1\nkind: Site\nmetadata: {name: hq}\nspec: {}\n",
    "org/pace.yaml": "apiVersion: guru/v1\nkind: Policy\nmetadata: {name: pace}\n"
    "spec:\n  agent: {heartbeat: 2s, converge: 2s, facts: 10s}\n",
}
POLICY = "apiVersion: guru/v1\nkind: Policy\nmetadata: {name: lab}\nspec:\n"
PLACE = "customers/acme/lab.yaml"


class Lab:
    """A machine that is managed for real. `converge` says what it should be, and how it then stands."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder / "world")
        self.clone = Clone(folder / "clone")
        self.apt = self.clone.seed / "srv/apt"
        self._wanted = ""

    def start(self, example: Path) -> None:
        """Boot, enrol and link."""
        self.clone.put("etc/apt/sources.list", SOURCES)
        self.clone.put("etc/guru/agent.yaml", "inventory: 30\n")
        publish(self.apt, "guru-lab-base", "1.0")
        self.world.remote.create(example)
        self.world.prepare()
        self.world.start_server()
        self.world.sign_in()
        self.clone.boot()
        self.apt = self.clone.path("srv/apt")
        token = self.world.enrolment_token("acme", "hq").read_text()
        self.clone.run("guru-agent", "install")
        self.clone.run("guru-agent", "enroll", "-", "--name", NAME, stdin=token)
        self.clone.run("systemctl", "enable", "--now", "guru-agent")
        wait_until("the device is up to date", lambda: self.device()["state"] == "UpToDate", 60)

    def stop(self) -> None:
        """End everything."""
        self.clone.stop()
        self.world.stop()

    def device(self) -> Any:
        """What `guru device show` tells."""
        return self.world.ask("device", "show", NAME)

    def push(self, body: str) -> str:
        """Make `body` the whole policy of the device; the commit."""
        self._wanted = body
        revision = self.world.remote.push("Change the lab", {PLACE: POLICY + body})
        self.world.guru("sync", "--timeout", "60s")
        return revision

    def converge(self, body: str) -> dict[str, Any]:
        """Push, wait for the run that reports this commit; its resources by id."""
        revision = self.push(body)
        wait_until(f"a run of {revision[:8]}", lambda: self._ran(revision), 60)
        return {one["id"]: one for one in self.device()["run"]["resources"]}

    def changes(self, body: str) -> None:
        """Push, and require that every resource was changed."""
        done = self.converge(body)
        assert {name: (one["outcome"], one["message"]) for name, one in done.items()} == dict.fromkeys(
            done, ("changed", "")
        )

    def verdict(self, check: str) -> Any:
        """The newest verdict of a check; None before the first."""
        results = self.device()["check_results"]
        return next((one["verdict"] for one in results if one["check"] == check), None)

    def log(self) -> str:
        """What the agent's unit wrote."""
        return self.clone.run("journalctl", "--unit=guru-agent", "--no-pager", "--output=cat").out

    def _ran(self, revision: str) -> bool:
        run = self.device()["run"]
        return run is not None and run["revision"] == revision


class Keeper:
    """Has one lab for all of these tests that a process runs in a row."""

    def __init__(self) -> None:
        self._lab: Lab | None = None

    def lab(self, folder: Callable[[str], Path]) -> Lab:
        """The running one, or a new one."""
        if self._lab is None:
            place = folder("lab")
            for path, text in EXAMPLE.items():
                (place / "example" / path).parent.mkdir(parents=True, exist_ok=True)
                (place / "example" / path).write_text(text)
            self._lab = Lab(place)
            self._lab.start(place / "example")
        return self._lab

    def leave(self) -> None:
        """End it, if there is one."""
        kept, self._lab = self._lab, None
        if kept is not None:
            kept.stop()


KEEPER = Keeper()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """A lab is a whole machine that works: it ends with the last of its tests, not with the last of all tests."""
    if nextitem is None or HERE not in nextitem.path.parents:
        KEEPER.leave()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One machine for all these tests: each leaves behind what it made, under names of its own."""
    try:
        return KEEPER.lab(tmp_path_factory.mktemp)
    except BaseException:
        KEEPER.leave()
        raise
