"""Changes of files on the server: decided by path and for every device, ordered with the rules, forgotten soon."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Connection, select

from guru_server.jobs.forgetting import forget_files
from guru_server.jobs.tables import job, job_order
from guru_wire.orders import Command
from tests.server.jobs.conftest import Office as Jobs
from tests.server.jobs.conftest import office as jobs_office
from tests.server.jobs.test_files import commands
from tests.server.rights.conftest import ACME, BOLT, Office, binding, office, role, world

__all__ = ["jobs_office", "office", "world"]

CONTENT = b"a secret of some kind"
WRITERS = {
    "org/writer.yaml": role("writer", "    look: {verbs: [device.read]}\n"
                                     "    read: {verbs: [file.get]}\n"
                                     "    site: {verbs: [file.put], paths: ['/srv/**']}\n"
                                     "    keys: {effect: deny, verbs: ['file.*'], paths: ['/srv/keys/**']}"),
    "org/wim.yaml": binding("wim", "user:wim", "writer", "customers/acme"),
}


def put(path: str, **more: object) -> dict[str, Any]:
    change = {"op": "put", "path": path, "sha256": hashlib.sha256(CONTENT).hexdigest(), **more}
    return {"change": change, "stdin": base64.b64encode(CONTENT).decode()}


async def ask(office: Office, who: Mapping[str, str], body: Mapping[str, object], device: str = ACME) -> int:
    told = await office.http.post("/jobs", json={"device": device, **body}, headers=dict(who))
    return int(told.status_code)


async def test_a_role_bounds_which_files_somebody_changes_and_deny_wins(office: Office) -> None:
    await office.push(WRITERS)
    wim = await office.token("wim")
    paths = ("/srv/a", "/srv//a/./b", "/srv/keys/a", "/etc/passwd", "/srv/../etc/passwd", "srv/a", "/srv/")
    told = [await ask(office, wim, put(path)) for path in paths]
    removed = [await ask(office, wim, {"change": {"op": "remove", "path": path}}) for path in ("/srv/a", "/etc/passwd")]
    ordered = {(one.change.op, one.change.path): one.change for one in await commands(office) if one.change}
    first = ordered["put", "/srv/a"]

    assert (told, removed) == ([201, 201, 403, 403, 400, 400, 400], [201, 403])
    assert await ask(office, wim, put("/srv/a"), BOLT) == 404
    assert ordered.keys() == {("put", "/srv/a"), ("put", "/srv/a/b"), ("remove", "/srv/a")}
    assert (first.path, first.allow, first.deny) == ("/srv/a", ("/srv/**",), ("/srv/keys/**",))


async def test_who_may_run_commands_or_read_files_changes_none(office: Office) -> None:
    await office.push({
        "org/runner.yaml": role("runner", "    run: {verbs: [device.read, command.run, query.run, file.get]}"),
        "org/ron.yaml": binding("ron", "user:ron", "runner", "customers/acme"),
    })

    assert await ask(office, await office.token("ron"), put("/srv/a")) == 403


@pytest.mark.parametrize("body", [
    put("/x", sha256="0" * 64), put("/x", sha256=""), put("/x", mode="4755"), {**put("/x"), "stdin": "no base64"},
    {**put("/x"), "argv": ["true"]}, {"change": {"op": "remove", "path": "/x", "mode": "644"}},
    {"change": {"op": "remove", "path": "/x"}, "stdin": "eA=="}, {"change": {"op": "move", "path": "/x"}},
])
async def test_what_is_no_whole_change_is_ordered_nowhere(body: dict[str, object], jobs_office: Jobs) -> None:
    await jobs_office.devices("web1")

    assert (await jobs_office.api.http.post("/jobs", json={"device": "web1", **body})).status_code == 400


async def test_a_file_goes_to_many_devices_in_one_job_and_what_it_held_is_forgotten_soon(jobs_office: Jobs) -> None:
    office = jobs_office
    devices = await office.devices("web1", "web2")
    made = await office.order(device="", selector="name=web*", max_devices=2, argv=[], **put("/srv/a"))
    for device in devices:
        await office.give(device)
        await office.say(device, job=made["id"], state="succeeded", exit_code=0)
    await office.look()
    again = await office.api.http.post(f"/jobs/{made['id']}/rerun", json={"failed": False})

    def held(connection: Connection) -> tuple[int, str]:
        command = connection.execute(select(job.c.command)).scalar_one()
        return len(connection.execute(select(job_order.c.job)).all()), Command.model_validate_json(command).stdin

    def forget(connection: Connection) -> int:
        return forget_files(connection, office.api.clock() + 1)

    before = await office.api.db.read(held)
    forgotten = [await office.api.db.write(forget) for _ in range(2)]

    assert (made["total"], again.status_code) == (2, 400)
    assert (before[0] > 0, base64.b64decode(before[1])) == (True, CONTENT)
    assert forgotten == [1, 0]
    assert await office.api.db.read(held) == (0, "")
