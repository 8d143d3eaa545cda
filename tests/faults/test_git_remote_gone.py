"""A Git remote that hangs, disappears, loses its branch or its history: the last good revision stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tools.lab.git_https import GitHttps
from tools.lab.office import EXAMPLE, PACE, PATIENCE, customer, device, holds, note, settle
from tools.lab.proxy import Proxy
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.fault

PATH = "/etc/office/note.txt"


class Site:
    """A server that watches its remote over HTTPS, through a proxy that can freeze and cut."""

    def __init__(self, world: World, proxy: Proxy) -> None:
        self.world, self.proxy = world, proxy


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("remote")
    keys = folder / "server" / "keys"
    git = GitHttps(folder / "git", keys)
    proxy = Proxy(git.port)
    world = World(folder, settings={
        "GURU_SERVER_GIT__URL": f"{proxy.url}/fleet.git", "GURU_SERVER_GIT__CA_FILE": str(keys / "ca.crt"),
    })
    try:
        world.remote.create(EXAMPLE)
        world.remote.push("Look every two seconds", {"org/pace.yaml": PACE})
        world.prepare()
        git.start()
        proxy.start()
        world.start_server()
        world.sign_in()
        yield Site(world, proxy)
    finally:
        world.stop()
        proxy.stop()
        git.stop()


@pytest.fixture(scope="module")
def place(site: Site) -> AgentPlace:
    return settle(site.world, "acme-pc01")


def condition(world: World, kind: str) -> Any:
    return next(one for one in world.get("/status")["conditions"] if one["type"] == kind)


def fetching_fails(world: World) -> bool:
    return bool(condition(world, "Ready")["reason"] == "FetchFailed")


def in_force(world: World) -> tuple[str, str]:
    one = customer(world, "acme")
    return one["org_revision"], one["revision"]


def comes(world: World, place: AgentPlace, content: str) -> None:
    """Push something, and wait until the device has it and the server is content."""
    world.remote.push(f"Say {content}", {"org/note.yaml": note(PATH, content)}, force=True)
    wait_until(f"the device says {content}", lambda: holds(place, PATH, content), PATIENCE)
    wait_until("the server is ready", lambda: condition(world, "Ready")["status"], PATIENCE)


def test_a_remote_that_hangs_and_disappears_changes_nothing_and_is_told(site: Site, place: AgentPlace) -> None:
    world = site.world
    comes(world, place, "before")
    good, serial = in_force(world), device(world, place.name)["serial"]

    site.proxy.freeze()
    world.remote.push("Say later", {"org/note.yaml": note(PATH, "later")})
    support = place.root / "etc/office/support.txt"
    support.write_text("drift\n")
    wait_until("devices go on while it hangs", lambda: support.read_text() != "drift\n")
    hanging = in_force(world)
    wait_until("the server gives it up", lambda: fetching_fails(world), PATIENCE)
    site.proxy.cut()
    told: Any = world.ask("status")
    gone = in_force(world), device(world, place.name)["serial"]
    page = world.guru("status", "-o", "table").out
    site.proxy.mend()
    wait_until("it comes by itself once the remote is back", lambda: holds(place, PATH, "later"), PATIENCE)
    wait_until("the server is ready", lambda: condition(world, "Ready")["status"], PATIENCE)

    assert hanging == good
    assert gone == (good, serial)
    assert told["last_fetch_error"]
    assert "FetchFailed" in page


def test_a_deleted_branch_changes_nothing_and_is_told(site: Site, place: AgentPlace) -> None:
    world = site.world
    comes(world, place, "with a branch")
    good = in_force(world)

    world.remote.git("--git-dir", str(world.remote.bare), "update-ref", "-d", "refs/heads/main")
    wait_until("the server says so", lambda: fetching_fails(world), PATIENCE)
    error, kept = world.get("/status")["last_fetch_error"], in_force(world)
    comes(world, place, "with a branch again")

    assert "branch main is gone" in error
    assert kept == good


def test_a_rewritten_branch_is_taken_and_told(site: Site, place: AgentPlace) -> None:
    world = site.world
    comes(world, place, "first version")
    old = world.remote.head()
    world.remote.git("reset", "--quiet", "--hard", "HEAD~1")

    comes(world, place, "second version")
    newest: Any = world.get("/status")["revisions"][0]

    assert newest["revision"] == world.remote.head()
    assert f"the branch was rewritten: it no longer holds {old[:12]}" in newest["reason"]


def test_a_force_push_of_a_bad_commit_leaves_the_last_good_one_in_force(site: Site, place: AgentPlace) -> None:
    world = site.world
    comes(world, place, "good")
    good, serial = in_force(world), device(world, place.name)["serial"]
    world.remote.git("reset", "--quiet", "--hard", "HEAD~1")

    bad = world.remote.push("Break it", {"org/note.yaml": "kind: Polcy\n"}, force=True)
    wait_until("it was tried", lambda: world.get("/status")["attempted_revision"] == bad, PATIENCE)
    kept, reason = in_force(world), condition(world, "Held")["reason"]
    comes(world, place, "mended")

    assert (kept, reason) == (good, "CommitRefused")
    assert device(world, place.name)["serial"] == serial + 1
