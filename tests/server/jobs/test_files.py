"""Looks at files on the server: decided by path, ordered with the rules, told only to whoever asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Connection, select

from guru_server.identity import people
from guru_server.jobs.forgetting import forget_files
from guru_server.jobs.tables import job, job_output
from guru_server.store.schema import TENANT
from guru_wire.files import FilePart
from guru_wire.orders import Command
from tests.server.jobs.conftest import Office as Jobs
from tests.server.jobs.conftest import office as jobs_office
from tests.server.rights.conftest import ACME, BOLT, Office, binding, office, role, world

__all__ = ["jobs_office", "office", "world"]

READERS = {
    "org/reader.yaml": role("reader", "    look: {verbs: [device.read]}\n"
                                     "    logs: {verbs: [file.get], paths: ['/var/log/**', /etc/hosts]}\n"
                                     "    keys: {effect: deny, verbs: ['file.*'], paths: ['/var/log/private/**']}"),
    "org/rita.yaml": binding("rita", "user:rita", "reader", "customers/acme"),
}


async def ask(office: Office, who: Mapping[str, str], path: str, device: str = ACME, op: str = "read") -> Any:
    return await office.http.post(
        "/jobs", json={"device": device, "file": {"op": op, "path": path}}, headers=dict(who))


async def commands(office: Office) -> list[Command]:
    rows = await office.world.db.read(
        lambda connection: connection.execute(select(job.c.command).order_by(job.c.created_at)).scalars().all())
    return [Command.model_validate_json(row) for row in rows]


async def test_a_role_bounds_which_files_somebody_looks_at_and_deny_wins(office: Office) -> None:
    await office.push(READERS)
    rita = await office.token("rita")
    allowed = ("/var/log/syslog", "/var/log//a/./b", "/etc/hosts")
    refused = ("/etc/shadow", "/var/log/private/key", "/var/log/../../etc/shadow", "/var/logs", "var/log/x", "/")
    told = {path: (await ask(office, rita, path)).status_code for path in (*allowed, *refused)}

    assert [told[path] for path in allowed] == [201, 201, 201]
    assert {path for path in refused if told[path] < 400} == set()
    assert (await ask(office, rita, "/var/log", op="list")).status_code == 201
    assert (await ask(office, rita, "/etc", op="list")).status_code == 403
    assert (await ask(office, rita, "/var/log/syslog", BOLT)).status_code == 404


async def test_the_order_holds_the_rules_for_the_device_to_judge_by(office: Office) -> None:
    await office.push(READERS)
    found = await ask(office, await office.token("rita"), "/var/log/syslog")
    assert found.status_code == 201, found.text
    assert (await ask(office, {}, "/etc/shadow")).status_code == 201
    narrow, wide = (command.file for command in await commands(office))

    assert narrow is not None
    assert (narrow.path, narrow.allow, narrow.deny) == (
        "/var/log/syslog", ("/var/log/**", "/etc/hosts"), ("/var/log/private/**",))
    assert wide is not None
    assert (wide.allow, wide.deny) == (("/**",), ())


async def test_a_part_is_ordered_as_it_was_asked_for_and_of_nothing_but_a_file(office: Office) -> None:
    await office.push(READERS)
    rita = dict(await office.token("rita"))
    part = {"start": 9, "of": "a" * 32}

    async def told(path: str, **more: object) -> int:
        file = {"op": "read", "path": path, "part": part, **more}
        return int((await office.http.post("/jobs", json={"device": ACME, "file": file}, headers=rita)).status_code)

    assert [await told("/var/log/big"), await told("/etc/shadow")] == [201, 403]
    assert [await told("/var/log/big", lines=2), await told("/var/log/big", follow=True),
            await told("/var/log", op="list"), await told("/var/log/big", part={"start": -1})] == [400] * 4
    (ordered,) = [command.file for command in await commands(office)]
    assert ordered is not None
    assert (ordered.part, ordered.allow) == (FilePart(start=9, of="a" * 32), ("/var/log/**", "/etc/hosts"))


async def test_who_may_run_commands_and_no_files_looks_at_none(office: Office) -> None:
    await office.push({
        "org/runner.yaml": role("runner", "    run: {verbs: [device.read, command.run, query.run]}"),
        "org/ron.yaml": binding("ron", "user:ron", "runner", "customers/acme"),
    })

    assert (await ask(office, await office.token("ron"), "/etc/hosts")).status_code == 403


@pytest.mark.parametrize("more", [{"argv": ["true"]}, {"selector": "name=web1", "device": ""}])
async def test_a_look_is_for_one_device_and_nothing_else(more: dict[str, object], jobs_office: Jobs) -> None:
    await jobs_office.devices("web1", "web2")
    body = {"device": "web1", "max_devices": 9, "file": {"op": "read", "path": "/x"}, **more}
    if "selector" in more:
        body["selector"] = "name=web*"

    assert (await jobs_office.api.http.post("/jobs", json=body)).status_code == 400


async def test_what_a_file_holds_is_told_to_whoever_asked_and_forgotten_soon(jobs_office: Jobs) -> None:
    office = jobs_office
    (device,) = await office.devices("web1")
    made = await office.order(device="web1", argv=[], file={"op": "read", "path": "/etc/hosts"})
    await office.give(device)
    await office.print(device, made["id"], "out", (0, b"127.0.0.1 localhost\n"))
    await office.say(device, job=made["id"], state="succeeded", exit_code=0, out=20, kept=20)
    await office.look()
    mine = await office.get(f"/jobs/{made['id']}/progress")
    token = await office.api.db.write(lambda connection: people.create(
        connection, TENANT, "vera", "viewer", now=office.api.clock(), ttl=None, actor="test"))
    other = {"authorization": f"Bearer {token}"}
    theirs = await office.api.http.get(f"/jobs/{made['id']}/progress", headers=other)
    printed = await office.api.http.get(f"/jobs/{made['id']}/output/web1", headers=other)
    again = await office.api.http.post(f"/jobs/{made['id']}/rerun", json={"failed": False})

    assert len(mine["output"]) == 1
    assert (theirs.json()["output"], theirs.json()["job"]["what"]) == ([], "cat /etc/hosts")
    assert (printed.status_code, again.status_code) == (403, 400)

    def left(connection: Connection) -> int:
        forget_files(connection, office.api.clock() + 1)
        return len(connection.execute(select(job_output.c.job)).all())

    assert await office.api.db.write(left) == 0


async def test_a_file_that_a_second_person_agreed_to_is_ordered_with_the_rule_that_asked_for_one(
    office: Office,
) -> None:
    await office.push({"org/careful.yaml": "---\n".join([
        role("careful", "    look: {verbs: [device.read]}\n"
                        "    keys: {verbs: [file.get], paths: [/etc/keys/**], conditions: {approval: true}}"),
        binding("amy", "user:amy", "careful", "customers/acme"),
        role("senior", "    all: {verbs: [device.read, approval.give, file.get]}"),
        binding("bob", "user:bob", "senior", "customers/acme"),
    ])})
    asked = await ask(office, await office.token("amy"), "/etc/keys/a")
    ref = asked.json()["detail"].partition("approval ")[2].partition(" ")[0]
    given = await office.http.post(
        f"/approvals/{ref}/approve", json={"reason": "fine"}, headers=await office.token("bob"))
    other = await ask(office, await office.token("amy"), "/etc/shadow")
    (ordered,) = await commands(office)

    assert (asked.status_code, given.json()["status"], other.status_code) == (403, 201, 403)
    assert ordered.file is not None
    assert (ordered.file.path, ordered.file.allow) == ("/etc/keys/a", ("/etc/keys/**",))


async def test_whoever_asked_ends_a_look_that_goes_on(office: Office) -> None:
    await office.push(READERS)
    rita = await office.token("rita")
    made = (await ask(office, rita, "/var/log/syslog")).json()["job"]["id"]

    assert (await office.http.post(f"/jobs/{made}/cancel", headers=rita)).status_code == 200
