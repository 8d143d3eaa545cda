"""Two MSPs on one server, from `tenant create` to `tenant delete`: real processes, real keys, real agents."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import tarfile
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tools.lab.office import EXAMPLE, device, settle
from tools.lab.remote import Remote
from tools.lab.world import BIN, World, wait_until

pytestmark = pytest.mark.e2e


def server(world: World, settings: dict[str, str], *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [BIN / "guru-server", *arguments], env={**world.server_env(), **settings}, capture_output=True, text=True,
        timeout=120, check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def aside(world: World, *, token: str) -> World:
    """The same world as somebody with another token asks it."""
    other = copy.copy(world)
    other.token = token
    return other


def online(world: World, name: str) -> bool:
    return bool(device(world, name)["online"])


def test_a_second_msp_moves_in_works_and_leaves(world: World) -> None:
    remote = Remote(world.folder / "rival-git")
    remote.create(EXAMPLE)
    settings = {"GURU_SERVER_TENANTS": json.dumps({"rival": {"git": {"url": remote.url, "poll": 1}}})}
    world.server.stop()
    world.start_server(settings)
    rival = World(world.folder / "rival")
    rival.url = server(world, settings, "tenant", "create", "rival", "--devices", "1").strip()
    rival.token, rival.pin = server(
        world, settings, "token", "create", "boss", "--role", "admin", "--tenant", "rival").strip(), world.pin
    rival.keys = world.keys
    wait_until("its door is open", lambda: "the tenant rival is served" in world.server.output())
    rival.sign_in()
    rival.guru("sync")
    ours, theirs = settle(world, "acme-pc01"), settle(rival, "acme-pc01")
    seen = [one.ask("device", "list", "-l", "name=*") for one in (world, rival)]
    ran = rival.guru("run", "acme-pc01", "--", "echo", "at home")
    full = rival.guru("enroll", "token", "create", "--customer", "acme", "--site", "hq")
    token = re.search(r"guru1\.\S+", full.out)
    assert token is not None
    third = subprocess.run(
        [BIN / "guru-agent", "enroll", token[0], "--name", "two", "--state", world.folder / "x", "--root",
         world.folder / "y"], capture_output=True, text=True, timeout=60, check=False)
    with pytest.raises(HTTPError) as stranger:
        device(aside(rival, token=world.token), "acme-pc01")

    assert json.loads((theirs.state / "trust.json").read_text())["url"] == f"{world.url}/t/rival"
    assert [len(one["items"]) if isinstance(one, dict) else len(one) for one in seen] == [1, 1]     # type: ignore[arg-type]
    assert "websocket" in rival.children["agent acme-pc01"].output()
    assert "127.0.0.1-rival" in rival.guru("context", "list").out
    assert "at home" in ran.out
    assert "may have 1 devices" in third.stdout + third.stderr
    assert stranger.value.code == 401
    assert world.guru("run", "acme-pc01", "--", "true").exit_code == 0

    server(world, settings, "tenant", "suspend", "rival")
    wait_until("its door is closed", lambda: "the tenant rival is served no more" in world.server.output())
    assert rival.guru("device", "list", check=False).exit_code == 5
    server(world, settings, "tenant", "resume", "rival")
    wait_until("its agent is back", lambda: _quietly(rival, "acme-pc01"), 90)
    out = world.folder / "rival.tar"
    server(world, settings, "tenant", "export", "rival", "--out", str(out))
    with tarfile.open(out) as archive:
        rows = archive.extractfile("tables/device.jsonl")
        assert rows is not None
        assert [json.loads(line)["name"] for line in rows] == ["acme-pc01"]
    server(world, settings, "tenant", "delete", "rival", code=10)
    server(world, settings, "tenant", "delete", "rival", "--yes")

    assert not (Path(world.keys).parent / "tenants" / "rival").exists()
    assert [line.split("\t")[0] for line in server(world, settings, "tenant", "list").splitlines()] == ["main"]
    assert online(world, ours.name)
    told = world.guru("audit", "list", "-o", "json").out
    assert all(word in told for word in ("TenantCreated", "TenantSuspended", "TenantExported", "TenantDeleted"))
    for child in rival.children.values():
        child.stop()


def _quietly(world: World, name: str) -> bool:
    try:
        return online(world, name)
    except OSError:
        return False                    # its door is not open yet
