"""Whoever writes into the repository gives devices what policy can say; they reach neither the server nor its readers.

What other rooms prove already is named in ELSEWHERE and run there.
"""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from guru_policy.errors import Unreachable
from guru_policy.fleet import Fleet
from guru_policy.kinds.alert_rule import AlertRule
from guru_policy.loading import load
from guru_policy.tree import MemoryTree
from tests.arch.sources import ROOT
from tests.conftest import sqlite_url
from tests.policy.writing import BASE, fleet, policy, written
from tests.server.reconcile.conftest import World, motd, world

__all__ = ["world"]

BAD, GIT = "tests/policy/test_bad_input.py", "tests/server/gitops"
ELSEWHERE = {
    "aliases without end": f"{BAD}::test_aliases_that_stack_their_depth_are_refused_and_never_overflow",
    "long text by aliases": f"{BAD}::test_a_long_text_repeated_by_aliases_is_refused_at_once",
    "bad YAML": f"{BAD}::test_what_is_no_strict_yaml_is_refused_with_its_place",
    "a link as an asset": f"{BAD}::test_a_link_that_a_resource_wants_to_carry_is_refused",
    "a huge file": f"{BAD}::test_a_file_of_fifty_megabytes_is_refused_without_being_read",
    "trees within trees": f"{GIT}/test_tree.py::test_trees_within_trees_that_never_end_are_given_up",
    "a fetch that is too large": f"{GIT}/test_mirror.py::test_a_fetch_that_is_too_large_fails_and_leaves_nothing",
    "hooks": f"{GIT}/test_mirror.py::test_hooks_and_configuration_of_the_account_do_nothing",
    "controls in a subject": f"{GIT}/test_mirror.py::test_a_commit_tells_its_author_and_subject_without_controls",
    "a branch that goes back": f"{GIT}/test_verifying.py::test_a_branch_that_goes_back_is_refused",
    "other history":
        f"{GIT}/test_verifying.py::test_a_rewritten_branch_needs_the_seal_of_somebody_who_signs_everything",
    "a customer that binds":
        "tests/policy/access/test_rulebook.py::test_a_customers_folder_grants_nothing_and_its_attempt_is_its_own_fault",
    "stars that multiply": "tests/policy/test_path_pattern.py::test_stars_in_one_name_do_not_multiply",
}
TICKETS = "rules:\n  x: {{verbs: [shell.open], conditions: {{ticketPattern: '{pattern}'}}}}"
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
ESCAPES = "\x1b[2J\x1b]0;owned\x07\u202egpj.exe"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """What a repository may do does not depend on the kind of database."""
    return sqlite_url(tmp_path / "guru.db")


@pytest.mark.parametrize("attack", ELSEWHERE)
def test_an_attack_that_another_room_proves_is_still_tried_there(attack: str) -> None:
    path, name = ELSEWHERE[attack].split("::")

    assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", [
    "\u0430cme", "acme\u200b", "\uff41cme", "ACME", "acme.", "acme\u0301", "..", "xn--cme-6cd\u00e9", "-acme", "a" * 64,
])
def test_a_customer_that_looks_like_another_is_no_customer(name: str) -> None:
    twin = f"apiVersion: guru/v1\nkind: Customer\nmetadata: {{name: '{name}'}}\n"
    found = fleet({f"customers/{name}/customer.yaml": twin, f"customers/{name}/p.yaml": policy("p", "agent: {}")})

    assert errors(found)
    assert {str(one) for one in found.customers()} == {"acme"}


def errors(found: Fleet) -> list[str]:
    """What keeps something out; a warning keeps out nothing."""
    return [str(fault) for fault in found.faults if fault.severity == "error"]


def test_the_same_without_an_attack_has_no_fault() -> None:
    found = fleet({
        "org/a.yaml": policy("a", "resources:\n  x: {kind: file, path: /x, source: files/x}"), "files/x": b"x",
        "org/r.yaml": written("AlertRule", "r", "check: cpu\nsummary: '{device}'"),
        "org/o.yaml": written("Role", "o", TICKETS.format(pattern="T-[0-9]+")),
    })

    assert errors(found) == []
    assert set(found.asset_entries()) == {"files/x"}


@pytest.mark.parametrize("source", [
    "../../etc/passwd", "/etc/passwd", "files/../../etc/passwd", "files/..", "~/.ssh/id", "..\\..\\x", ".git/config",
    "files//x", "C:\\Windows\\win.ini", "file:///etc/passwd", "${HOME}/x", "$(id)", "-rf",
])
def test_a_path_that_leads_out_carries_nothing(source: str) -> None:
    wants = policy("a", f"resources:\n  x: {{kind: file, path: /x, source: '{source}'}}")
    found = load(MemoryTree({**BASE, "org/a.yaml": wants, "files/x": b"x"}))

    assert errors(found)
    assert found.asset_entries() == {}


@pytest.mark.parametrize("summary", [
    "{device.__class__}", "{0}", "{device!r}", "{device:>99999999}", "{{device}}", "{", "{device[0]}", "{}",
])
def test_a_summary_fills_in_what_it_names_and_computes_nothing(summary: str) -> None:
    found = fleet({"org/r.yaml": written("AlertRule", "r", f"check: cpu\nsummary: '{summary}'")})

    assert errors(found)


@pytest.mark.parametrize("text", ["{message}", "{{7*7}}", "${jndi:ldap://x}", "%(x)s", "{% x '/etc/passwd' %}", "\\1"])
def test_what_a_device_says_is_never_filled_in_again(text: str) -> None:
    rule = AlertRule.model_validate({"check": "cpu", "summary": "{device}: {message}"})

    assert rule.summarize({"device": text, "message": "m"}) == f"{text}: m"


@pytest.mark.parametrize("pattern", [
    "(a+)+", "(a|a)*", "a*a*a*a*", "[0-9]{1,9}{1,9}{1,9}{1,9}", "a{1,99999999999}", "\\d+",
])
def test_a_pattern_of_tickets_that_could_take_long_is_refused(pattern: str) -> None:
    found = fleet({"org/r.yaml": written("Role", "r", TICKETS.format(pattern=pattern))})

    assert errors(found)


@pytest.mark.parametrize("selector", [
    "(" * 1500, "!" * 1500, "name=" + "*a" * 900 + "b", ",".join(["name=*x*"] * 200), "name in (" + "a," * 900 + "a)",
])
def test_a_selector_is_decided_at_once_or_refused(selector: str) -> None:
    group = written("DeviceGroup", "g", f"priority: 1\nselector: '{selector}'")
    started = time.process_time()
    fleet({"org/g.yaml": group})

    assert time.process_time() - started < 3


@pytest.mark.parametrize("path", [f"org/{ESCAPES}.yaml", f"customers/{ESCAPES}/customer.yaml", f"{ESCAPES}.yaml"])
@pytest.mark.parametrize("text", [
    'apiVersion: guru/v1\nkind: Policy\nmetadata: {name: "\\e[2J\\u202Ex"}\nspec: {}\n',
    'apiVersion: guru/v1\nkind: "\\e[2J\\u202E"\nmetadata: {name: x}\nspec: {}\n',
    'apiVersion: guru/v1\nkind: Policy\nmetadata: {name: x}\nspec: {"\\e[2J\\u202E": 1}\n',
    'apiVersion: "guru/\\u202E"\n', f"a: {ESCAPES}\n", "a: *\u202ex\n", "!\u202ex a: 1\n",
])
def test_no_fault_moves_the_terminal_of_its_reader(path: str, text: str) -> None:
    found = fleet({path: text})

    assert [str(fault) for fault in found.faults if CONTROL.search(str(fault))] == []


async def test_nothing_of_a_commit_is_run_or_followed_and_what_was_in_force_stays(world: World, tmp_path: Path) -> None:
    assert (await world.sync()).outcome == "published"
    before, ran, remote = await world.bundles(), tmp_path / "ran", world.remote
    remote.write({
        ".gitattributes": "* filter=evil diff=evil export-subst\n*.yaml filter=lfs\n",
        ".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = https://guru.example/x\n',
        ".lfsconfig": "[lfs]\n\turl = https://guru.example/steal\n",
        ".git-hooks/post-checkout": f"#!/bin/sh\ntouch {ran}\n", "org/motd.yaml": motd("other", "changed"),
    })
    (remote.work / "org" / "passwd.yaml").symlink_to("/etc/passwd")
    (remote.work / "customers" / "linked").symlink_to("/etc")
    remote.git("add", "--all")
    remote.git("update-index", "--add", "--cacheinfo", f"160000,{remote.head()},x")
    remote.git("commit", "--quiet", "--message", f"Odd {ESCAPES}")
    remote.git("push", "--quiet", "origin", "HEAD:main")
    done = await world.sync()
    told = (await world.status()).model_dump_json(), done.model_dump_json()

    assert done.outcome != "published"
    assert await world.bundles() == before
    assert not ran.exists()
    assert "root:" not in str(told)
    assert not re.search(r"\\u001b|\\u202e|\u202e", str(told))


@pytest.mark.parametrize("line", ["update = !id", "url = -u./id"])
async def test_a_commit_that_would_make_git_itself_run_something_does_not_come_in(world: World, line: str) -> None:
    await world.sync()
    before = await world.bundles()
    modules = f'[submodule "x"]\n\tpath = x\n\turl = https://guru.example/x\n\t{line}\n'
    world.remote.write({".gitmodules": modules, "customers/acme/base.yaml": motd("base", "evil")})
    await asyncio.to_thread(world.remote.push, "Odd")
    with pytest.raises(Unreachable, match="gitmodules"):
        await world.sync()

    assert await world.bundles() == before


async def test_a_branch_that_leads_to_unrelated_history_keeps_devices_above_what_they_have(world: World) -> None:
    await world.sync()
    before = {device: serial for device, (serial, _) in (await world.bundles()).items()}
    await world.push("Second", {"customers/acme/base.yaml": motd("base", "acme 2")})
    await asyncio.to_thread(_rewrite, world)
    await world.sync()
    after = {device: serial for device, (serial, _) in (await world.bundles()).items()}

    assert all(after[device] >= serial for device, serial in before.items())
    assert after != before


def _rewrite(world: World) -> None:
    """The same files as the first commit, as the first commit of other history."""
    remote = world.remote
    tree = remote.git("rev-parse", "HEAD~1^{tree}")
    commit = remote.git("commit-tree", tree, "-m", "Begin anew")
    remote.git("push", "--quiet", "--force", "origin", f"{commit}:main")
