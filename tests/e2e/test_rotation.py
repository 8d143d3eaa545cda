"""Every key that agents believe in, replaced: who is on its link follows, and who was away for two rounds, too."""

from __future__ import annotations

import json
import re
import subprocess
from functools import partial
from typing import Any

import pytest

from tools.lab.office import device, holds, note, settle
from tools.lab.world import BIN, AgentPlace, World, wait_until

pytestmark = pytest.mark.e2e

PATH = "/etc/after-two-rounds"


def server(world: World, *arguments: str) -> str:
    done = subprocess.run(
        [BIN / "guru-server", *arguments], env=world.server_env(), capture_output=True, text=True, timeout=60,
        check=True,
    )
    return done.stdout + done.stderr


def rotate(world: World, *names: str) -> None:
    """Stop the server, replace these keys, start it, and sign in with what pins it now."""
    world.server.stop()
    told = [server(world, "keys", "rotate", name) for name in names]
    world.start_server()
    if (pin := re.search(r"sha256:[0-9a-f]{64}", "".join(told))) is not None:
        world.pin = pin[0]
        world.sign_in()


def trusted(place: AgentPlace) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place.state / "trust.json").read_text())
    return found


def ended(world: World, job: str) -> bool:
    return [run["state"] for run in world.get(f"/jobs/{job}")["runs"]] == ["succeeded"]


def test_agents_follow_every_new_key_on_their_link_and_after_two_rounds_away(world: World) -> None:
    near, far = settle(world, "acme-pc01"), settle(world, "acme-pc02")
    pinned = trusted(near)
    world.children["agent acme-pc02"].stop()
    waits = json.loads(world.guru("run", "-o", "json", far.name, "--no-wait", "--", "echo", "signed again").out)["id"]
    rotate(world, "state", "command", "link", "ca", "tls", "audit", "age")
    wait_until("the agent is back on its link", lambda: bool(device(world, near.name)["online"]), 90)
    ran = world.guru("run", near.name, "--", "echo", "followed")
    rotate(world, "state")
    world.remote.push("Say so", {"org/note.yaml": note(PATH, "here")})
    world.guru("sync")
    world.start_agent(far)
    for place in (near, far):
        wait_until(f"{place.name} took a new state", partial(holds, place, PATH, "here"), 90)

    assert "followed" in ran.out
    found, other = trusted(near), trusted(far)
    assert (found["state_key"], found["link_key"], found["ca"]) == (other["state_key"], other["link_key"], other["ca"])
    assert all(found[name] != pinned[name] for name in ("state_key", "link_key", "ca"))
    assert len(found["former"]) == len(other["former"]) == 2
    wait_until("the other one is back, too", lambda: bool(device(world, far.name)["online"]), 90)
    assert "followed" in world.guru("run", far.name, "--", "echo", "followed").out
    wait_until("what was ordered while it was away ran", lambda: ended(world, waits), 60)
    assert "signed again" in world.guru("job", "output", waits).out
    verified = world.ask("audit", "verify")
    assert isinstance(verified, dict)
    assert verified["ok"], verified
