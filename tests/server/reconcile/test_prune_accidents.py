"""The ways in which repositories lose things by accident: each is refused, held, or exactly what the commit says.

Every accident happens on a real remote and goes through plan and sync; what is refused for what it deletes comes into
force once a commit consents.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import pytest

from guru_policy.errors import GuruError
from guru_server.reconcile.plan import Planner
from guru_wire.operator import PlanRequest, SyncRequested
from tests.server.reconcile.conftest import World, customer, ident, motd, named, policy

DEVICES = ("acme/hq/web1", "acme/hq/pc2", "bolt/hq/web1")
ALL = frozenset(DEVICES)
NOBODY = frozenset[str]()
ACME = frozenset(name for name in DEVICES if name.startswith("acme/"))
GROUP = named("DeviceGroup", "web").replace("spec: {}", "spec: {selector: 'name=web*', priority: 10}")


def agent(name: str, body: str) -> str:
    return policy(name, f"  agent: {{{body}}}")


def check(name: str) -> str:
    return policy(name, f"  checks: {{{name}: {{kind: cpu}}}}")


MEMORY = "  checks: {mem: {kind: memory}}"
FILES = {
    "groups/web/group.yaml": GROUP, "groups/web/base.yaml": agent("base", "facts: 600s"),
    **{f"org/checks/c{number:02}.yaml": check(f"c{number:02}") for number in range(30)},
    "customers/acme/more.yaml": policy(
        "more", f"{MEMORY}\n  resources:\n    issue: {{kind: file, path: /etc/issue, content: acme}}"),
    **customer("cedar"), "customers/cedar/more.yaml": check("cedar"),
}


@dataclass(frozen=True)
class Accident:
    """`do` makes the commit that is pushed, by `force` or not, and `changed` devices get something else.

    `outcome` is the sync's; `why` stands in its reason, or in that of a customer that is `held`.
    """

    do: Callable[[World], None]
    outcome: str
    why: str = ""
    changed: Collection[str] = NOBODY
    force: bool = False
    held: Collection[str] = ()


def delete(*paths: str) -> Callable[[World], None]:
    """Take files and whole folders away."""

    def do(world: World) -> None:
        for path in paths:
            target = world.remote.work / path
            shutil.rmtree(target) if target.is_dir() else target.unlink()

    return do


def move(old: str, new: str, change: Callable[[str], str] = lambda text: text) -> Callable[[World], None]:
    """Move a file or a folder; `change` rewrites every file on the way."""

    def do(world: World) -> None:
        source, target = world.remote.work / old, world.remote.work / new
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, target)
        for file in target.rglob("*.yaml") if target.is_dir() else [target]:
            file.write_text(change(file.read_text()))

    return do


def write(path: str, text: str) -> Callable[[World], None]:
    """Write one file."""
    return lambda world: world.remote.write({path: text})


def both(*deeds: Callable[[World], None]) -> Callable[[World], None]:
    """One after the other, in one commit."""

    def do(world: World) -> None:
        for deed in deeds:
            deed(world)

    return do


def unrelated(files: dict[str, str]) -> Callable[[World], None]:
    """Another history, with only these files."""

    def do(world: World) -> None:
        world.remote.git("checkout", "--quiet", "--orphan", "fresh")
        world.remote.git("rm", "-r", "--quiet", "--force", ".")
        world.remote.write(files)

    return do


def renamed(text: str) -> str:
    """The Customer cedar under the name of oak."""
    return text.replace("metadata: {name: cedar}", "metadata: {name: oak, renamedFrom: [cedar]}")


NO_ACME = "there is no Customer object `acme`, and it has devices"
FLEET = named("Fleet", "fleet")
LOOSE = FLEET.replace("spec: {}", "spec: {limits: {maxDelete: {count: 9999, percent: 100%}}}")
STRANGERS = {"fleet.yaml": FLEET, "org/one.yaml": check("one"), **customer("dune")}
ACCIDENTS = {
    "every file is gone": Accident(delete("org", "groups", "customers", "fleet.yaml"), "refused", "no Fleet object"),
    "only the Fleet is left": Accident(
        delete("org", "groups", "customers"), "refused", "everything in org would be deleted"),
    "a folder is empty": Accident(delete("org/checks"), "refused", "30 objects would be deleted"),
    "the organisation's folder is empty": Accident(delete("org"), "refused", "everything in org would be deleted"),
    "a customer's folder is gone, and it has no devices": Accident(
        delete("customers/cedar"), "refused", "everything in customers/cedar would be deleted"),
    "a customer's folder is gone, and it has devices": Accident(
        delete("customers/acme"), "partly-held", NO_ACME, held=("acme",)),
    "a site's folder is gone, and it has devices": Accident(
        delete("customers/acme/sites/hq"), "partly-held", "there is no Site object `hq`", held=("acme",)),
    "a customer without devices is renamed without saying so": Accident(
        move("customers/cedar", "customers/oak", lambda text: text.replace("name: cedar}", "name: oak}")),
        "refused", "everything in customers/cedar would be deleted"),
    "a customer without devices is renamed": Accident(
        move("customers/cedar", "customers/oak", renamed), "published"),
    "a customer with devices is renamed without saying so": Accident(
        move("customers/acme", "customers/oak", lambda text: text.replace("name: acme}", "name: oak}")),
        "partly-held", NO_ACME, held=("acme",)),
    "a file is moved within its folder": Accident(move("customers/acme/more.yaml", "customers/acme/in/more.yaml"),
                                                  "published"),
    "a file is moved to another customer": Accident(
        move("customers/acme/more.yaml", "customers/bolt/more.yaml"), "published", changed=ALL),
    "a key is left out": Accident(
        write("customers/acme/more.yaml", policy("more", MEMORY)), "published", changed=ACME),
    "a key has no value": Accident(
        write("customers/acme/more.yaml", policy("more", "  checks:\n  resources:")), "partly-held", "must be a map",
        held=("acme",)),
    "a group is removed and its policies are not": Accident(
        delete("groups/web/group.yaml"), "refused", "there is no DeviceGroup object `web`"),
    "a group is removed with its policies": Accident(
        delete("groups/web"), "refused", "the last DeviceGroup would be deleted"),
    "an unrelated history holds almost nothing": Accident(
        unrelated({"README.md": "Hello\n"}), "refused", "no Fleet object", force=True),
    "an unrelated history holds another fleet": Accident(
        unrelated(STRANGERS), "refused", "would be deleted", force=True),
    "an unrelated history holds the same files and one change": Accident(
        both(lambda world: world.remote.git("checkout", "--quiet", "--orphan", "fresh") and None,
             write("customers/acme/base.yaml", motd("base", "acme 2"))),
        "published", "the branch was rewritten", changed=ACME, force=True),
    "the limits go in the same commit": Accident(
        both(delete("org/checks"), write("fleet.yaml", LOOSE)), "refused", "limits.maxDelete.count is 10"),
    "an empty file stands for an object": Accident(write("customers/acme/more.yaml", ""), "published", changed=ACME),
}
CONSENTABLE = [name for name, one in ACCIDENTS.items() if "deleted" in one.why or "limits" in one.why]


@pytest.fixture
async def whole(world: World) -> World:
    """Three devices of two customers, a customer without any, a group, and so many policies that limits count."""
    await world.enrol("acme/hq/pc2")
    done = await world.push("More", FILES)
    assert done.outcome == "published"
    return world


async def prune(world: World, accident: Accident, message: str) -> tuple[SyncRequested, frozenset[str]]:
    """Push the accident, plan it, bring it into force; whose bundle changed. Plan and sync agree."""
    before = await world.bundles()
    await asyncio.to_thread(accident.do, world)
    tip = await asyncio.to_thread(world.remote.push, message, None, force=accident.force)
    await world.mirror.fetch()
    plan = await Planner(world.db, world.reconciler, world.clock).plan(PlanRequest(revision=tip))
    assert await world.bundles() == before
    done = await world.sync()
    after = await world.bundles()
    changed = frozenset(name for name in DEVICES if after[ident(name)] != before[ident(name)])
    again = await world.sync()

    assert again.devices_changed == 0
    assert await world.bundles() == after
    if done.outcome == "refused":
        assert plan.guards or plan.faults
        assert changed == NOBODY
    else:
        assert {one.device for one in plan.devices} == {ident(name) for name in changed}
        assert sorted(one.customer for one in plan.held) == sorted(accident.held)
    return done, changed


@pytest.mark.parametrize("name", ACCIDENTS)
async def test_an_accident_is_refused_held_or_exactly_what_was_said(name: str, whole: World) -> None:
    accident = ACCIDENTS[name]
    standing = {one.customer: one.revision for one in (await whole.status()).customers}

    done, changed = await prune(whole, accident, "Oh")

    assert (done.outcome, changed) == (accident.outcome, frozenset(accident.changed))
    held = [one.reason for one in (await whole.status()).customers if one.state == "Held"]
    assert accident.why in "; ".join([done.reason, *held])
    for name in accident.held or (standing if done.outcome == "refused" else ()):
        assert (await whole.customer(name)).revision == standing[name]


@pytest.mark.parametrize("name", CONSENTABLE)
async def test_what_was_refused_for_what_it_deletes_comes_into_force_with_consent(name: str, whole: World) -> None:
    await prune(whole, ACCIDENTS[name], "Oh")

    done = await whole.push("I mean it\n\nGuru-Allow-Delete: 99\n")

    assert done.outcome in ("published", "partly-held")


async def test_a_branch_that_is_gone_changes_nothing(whole: World) -> None:
    before = await whole.bundles()
    subprocess.run(["git", "-C", str(whole.remote.bare), "update-ref", "-d", "refs/heads/main"], check=True)

    with pytest.raises(GuruError, match="is gone"):
        await whole.sync()
    assert await whole.bundles() == before


def blobs_of(git: Path, revision: str) -> list[Path]:
    """The loose objects of the files that a commit brought."""
    command = ["git", "-C", str(git), "diff-tree", "-r", "--no-commit-id", revision]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    names = [line.split()[3] for line in told.stdout.splitlines()]
    return [git / "objects" / name[:2] / name[2:] for name in names]


async def test_a_file_that_the_remote_cannot_read_is_never_a_file_that_is_gone(whole: World) -> None:
    before = await whole.bundles()
    tip = whole.remote.push("Change", {"customers/acme/base.yaml": motd("base", "acme 2")})
    for blob in blobs_of(whole.remote.bare, tip):
        blob.unlink()

    with pytest.raises(GuruError):
        await whole.sync()
    assert await whole.bundles() == before
    assert {one.state for one in (await whole.status()).customers} == {"InForce"}


async def test_a_file_that_the_mirror_lost_is_fetched_again_and_the_change_is_the_one_that_was_made(
    whole: World, tmp_path: Path
) -> None:
    before = await whole.bundles()
    tip = whole.remote.push("Change", {"customers/acme/base.yaml": motd("base", "acme 2")})
    await whole.mirror.fetch()
    packs = list((tmp_path / "data" / "mirror" / "objects" / "pack").glob("*.pack"))
    newest = max(packs, key=lambda pack: pack.stat().st_mtime_ns)
    newest.chmod(0o644)
    newest.write_bytes(newest.read_bytes()[:100])

    done = await whole.reconciler.reconcile_commit(tip)

    after = await whole.bundles()
    assert (done.outcome, done.devices_changed) == ("published", 2)
    assert {name for name in DEVICES if after[ident(name)] != before[ident(name)]} == ACME
