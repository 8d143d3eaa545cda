"""The demo's steps, each a sentence, a doing and a proof. It only drives the lab, as a person would."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from tools.demo.stage import Stage
from tools.lab.inbox import Inbox
from tools.lab.world import AgentPlace, Failed, World, wait_until

EXAMPLE = Path(__file__).parents[2] / "examples" / "small-office"
REAL = "acme-pc01"
SIMULATED = 50
SUPPORT = "etc/office/support.txt"
FAST = """apiVersion: guru/v1
kind: Policy
metadata: {name: demo-pace}
spec:
  agent: {heartbeat: 5s, converge: 5s}
"""
CHANGE = """apiVersion: guru/v1
kind: Policy
metadata: {name: opening-hours}
spec:
  resources:
    hours:
      kind: file
      path: /etc/office/hours.txt
      content: "Monday to Friday, 9 to 18\\n"
      mode: "0644"
"""


class Story:
    """The whole walk; every step ends when what it promises is so, or raises lab.Failed."""

    def __init__(self, world: World, inbox: Inbox, stage: Stage, devices: int = SIMULATED) -> None:
        self.world, self.inbox, self.stage, self.devices = world, inbox, stage, devices
        self.agent: AgentPlace | None = None

    def tell(self) -> None:
        """All steps, in order."""
        self.begin()
        self.enrol()
        self.converge()
        self.change()
        self.drift()
        self.alert()

    def begin(self) -> None:
        """A fleet repository, a server, a signed-in technician."""
        with self.stage.step("Make a fleet repository from examples/small-office and push it"):
            self.world.remote.create(EXAMPLE)
            alerts = self.world.remote.work / "org" / "alerts.yaml"
            text = alerts.read_text().replace("http://127.0.0.1:9/alerts", self.inbox.url)
            self.world.remote.push("Send alerts to the local inbox", {"org/alerts.yaml": text})
            self.world.remote.push("Look every five seconds, for the demo", {"org/pace.yaml": FAST})
        with self.stage.step("Start the server: keys, database, TLS, the first look at the repository"):
            self.world.prepare()
            self.world.start_server()
            self.world.sign_in()
            self.world.wrapper()
            wait_until("the first revision is in force", self._in_force)

    def enrol(self) -> None:
        """One real agent in a sandbox root, and many simulated ones."""
        with self.stage.step(f"Enrol a real agent, {REAL}, in a sandbox root"):
            self.agent = self.world.enrol(REAL, "acme", "hq")
            self.world.start_agent(self.agent)
        with self.stage.step(f"Enrol {self.devices} simulated devices that speak the real wire"):
            names = ("--names", "birch-{n}")
            self.world.simulate(self.devices, "birch", "hq", *names, "--duration", "0", "--quiet")

    def converge(self) -> None:
        """Everything becomes UpToDate."""
        self._until_up_to_date("Wait until every device is as the repository says")

    def change(self) -> None:
        """A plan, a push, a sync."""
        self.world.remote.write({"org/opening-hours.yaml": CHANGE})
        self._show("plan", str(self.world.remote.work), called="plan")
        with self.stage.step("Push that change, and wait for the devices"):
            self.world.remote.push("Tell people when the office is open")
            self.world.guru("sync", "--wait", "--timeout", "2m")
        self._until_up_to_date("Every device has it")

    def drift(self) -> None:
        """Break something by hand; the agent puts it right."""
        support = self._sandbox(SUPPORT)
        wanted = support.read_text()
        with self.stage.step(f"Break /{SUPPORT} by hand, and see the agent put it right"):
            support.write_text("call 555-0100 instead\n")
            wait_until("the file is as it should be", lambda: support.read_text() == wanted)
        self._show("device", "show", REAL)

    def alert(self) -> None:
        """A check turns critical; the alert arrives, and resolves."""
        broken = self._sandbox("var/lib/office/broken")
        with self.stage.step("Break the intake form, and wait for the alert in the local inbox"):
            broken.touch()
            wait_until("the alert arrives", lambda: len(self.inbox.letters) >= 1)
        self.stage.show("the local inbox got", json.dumps(self.inbox.letters[0].body, indent=2))
        with self.stage.step("Mend it, and wait for the alert to resolve"):
            broken.unlink()
            wait_until("the alert resolves", lambda: len(self.inbox.letters) >= 2)

    def _show(self, *command: str, called: str = "") -> None:
        done = self.world.guru(*command, "-o", "table", "--color", self.stage.color)
        self.stage.show(f"guru {called or ' '.join(command)}", done.out)

    def _until_up_to_date(self, sentence: str) -> None:
        with self.stage.progress(sentence, self.devices + 1) as advance:
            wait_until(sentence, self._counted(advance), timeout=120, pause=0.3)

    def _counted(self, advance: Callable[[int], None]) -> Callable[[], bool]:
        def all_up_to_date() -> bool:
            if fallen := self.world.fallen():
                raise Failed(fallen)
            status = self.world.ask("status")
            assert isinstance(status, dict)
            count = int(status["devices"].get("UpToDate", 0))
            advance(count)
            return count >= self.devices + 1

        return all_up_to_date

    def _in_force(self) -> bool:
        status = self.world.ask("status")
        assert isinstance(status, dict)
        return bool(status["customers"]) and all(c["state"] == "InForce" for c in status["customers"])

    def _sandbox(self, path: str) -> Path:
        assert self.agent is not None
        return self.agent.root / path


def empty(folder: Path, keep: str) -> None:
    """Remove what a demo before left in its own folder."""
    for left in folder.iterdir():
        if left.name == keep:
            continue
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()


def stand(world: World) -> None:
    """Wait until Ctrl-C; Failed when a process ends that should not."""
    while not (fallen := world.fallen()):
        time.sleep(0.5)
    raise Failed(fallen)
