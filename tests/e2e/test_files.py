"""Files of a real agent, looked at by the command line: whole, bounded by role and path, and told in the audit log."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from guru_wire.transfers import CHUNK, Sent, Transfer
from tools.lab.office import PATIENCE, office, settle
from tools.lab.world import BIN, AgentPlace, World, wait_until

pytestmark = pytest.mark.e2e

PC = "acme-pc01"
ROLE = """apiVersion: guru/v1
kind: Role
metadata: {name: reader}
spec:
  rules:
    look: {verbs: [device.read]}
    logs: {verbs: [file.get], paths: [/var/log/**]}
---
apiVersion: guru/v1
kind: Binding
metadata: {name: readers}
spec: {subjects: ["user:rita"], role: reader, scope: customers/acme}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with office(tmp_path_factory.mktemp("files")) as made:
        made.remote.push("Readers", {"org/readers.yaml": ROLE})
        made.guru("sync")
        yield made


@pytest.fixture(scope="module")
def place(world: World) -> AgentPlace:
    """A real agent in a sandbox with a few files."""
    made = settle(world, PC)
    (made.root / "var/log").mkdir(parents=True, exist_ok=True)
    (made.root / "var/log/app.log").write_bytes(b"".join(b"line %d\n" % at for at in range(200_000)))
    (made.root / "etc").mkdir(exist_ok=True)
    (made.root / "etc/secret").write_text("secret\n")
    (made.root / "var/log/link").symlink_to(made.root / "etc/secret")
    return made


def test_a_file_arrives_byte_for_byte_and_the_log_has_its_digest(world: World, place: AgentPlace) -> None:
    content = (place.root / "var/log/app.log").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    found = world.guru("cat", f"{PC}:/var/log/app.log").out
    shown = json.loads(world.guru("cat", f"{PC}:/var/log/app.log", "-o", "json").out)
    tail = world.guru("tail", "-n", "2", f"{PC}:/var/log/app.log").out
    listed = world.guru("ls", f"{PC}:/var/log", "-o", "name").out.split()
    log = world.guru("audit", "search", digest, "-o", "json").out

    assert (found.encode() == content, shown["sha256"]) == (True, digest)
    assert tail == "line 199998\nline 199999\n"
    assert {"app.log", "link"} <= set(listed)
    assert f"{len(content)} bytes, sha256 {digest}" in log


def test_a_role_reads_its_paths_and_no_link_leads_out_of_them(world: World, place: AgentPlace) -> None:
    made = subprocess.run(
        [BIN / "guru-server", "token", "create", "rita", "--role", "bindings"],
        env={**os.environ, **world.server_env()}, capture_output=True, text=True, timeout=60, check=True).stdout
    rita = {"GURU_TOKEN": next(word for word in made.split() if word.startswith("gurut_"))}
    ran = {path: world.guru("cat", f"{PC}:{path}", env=rita, check=False)
           for path in ("/var/log/app.log", "/etc/secret", "/var/log/link", "/var/log/../../etc/secret")}

    assert [one.exit_code for one in ran.values()] == [0, 8, 1, 10]
    assert not any("secret\n" in one.out for one in ran.values())


def test_a_copy_goes_on_where_it_was_through_a_real_agent(world: World, place: AgentPlace, tmp_path: Path) -> None:
    content = os.urandom(1 << 20) * 12
    (place.root / "var/log/big").write_bytes(content)
    cut = subprocess.Popen([BIN / "guru", "cp", f"{PC}:/var/log/big", tmp_path], env=world.guru_env())
    try:
        wait_until("a part is here", lambda: any(one.stat().st_size for one in tmp_path.iterdir()), PATIENCE)
    finally:
        cut.kill()
        cut.wait(30)
    quicker = (tmp_path / "big").exists()
    (tmp_path / "big").unlink(missing_ok=True)
    told = json.loads(world.guru("cp", f"{PC}:/var/log/big", str(tmp_path), "-o", "json").out)

    assert quicker or told["resumed"] > 0
    assert ((tmp_path / "big").read_bytes() == content, list(tmp_path.iterdir())) == (True, [tmp_path / "big"])
    assert hashlib.sha256(content).hexdigest() in world.guru("audit", "search", told["sha256"], "-o", "json").out


def test_a_file_is_put_replaced_and_removed_on_a_real_agent(world: World, place: AgentPlace, tmp_path: Path) -> None:
    there, content = place.root / "var/log/put", os.urandom(200_000)
    (tmp_path / "put").write_bytes(content)
    first = world.guru("cp", str(tmp_path / "put"), f"{PC}:/var/log/", "--mode", "640")
    again = world.guru("cp", str(tmp_path / "put"), f"{PC}:/var/log/put", check=False)
    stood = (there.read_bytes() == content, there.stat().st_mode & 0o777)
    (tmp_path / "put").write_bytes(b"newer")
    world.guru("cp", str(tmp_path / "put"), "-l", f"name={PC}", ":/var/log/put", "--replace", "--yes",
               "--max-devices", "1")
    newer = (there.read_bytes(), there.stat().st_mode & 0o777)
    outside = world.guru("rm", f"{PC}:/var/log/link", check=False)
    world.guru("rm", f"{PC}:/var/log/put")

    assert (first.exit_code, again.exit_code, outside.exit_code) == (0, 1, 1)
    assert (stood, newer, there.exists()) == ((True, 0o640), (b"newer", 0o640), False)
    assert (place.root / "var/log/link").is_symlink()
    assert hashlib.sha256(content).hexdigest() in world.guru(
        "audit", "search", hashlib.sha256(content).hexdigest(), "-o", "json").out


def job_of(api: httpx.Client, body: dict[str, object]) -> str:
    """POST /jobs for the device; the new one's id."""
    made = api.post("/jobs", json={"device": PC, "timeout": 120, **body})
    assert made.status_code == 201, made.text
    return str(made.json()["job"]["id"])


def size_of(path: Path) -> int:
    """Bytes of a file that may be gone; 0 then."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def over(world: World, job: str) -> str:
    """How the one run of a job ended; empty while it did not."""
    run = world.get(f"/jobs/{job}")["runs"][0]
    return "" if run["state"] in ("queued", "sent", "running") else f"{run['state']} {run['reason']}"


def test_a_large_file_is_put_though_the_agent_is_killed_and_is_sent_back(world: World, place: AgentPlace) -> None:
    there, content = place.root / "var/log/large", os.urandom(5 << 20)
    digest = hashlib.sha256(content).hexdigest()
    chunks = [content[at : at + CHUNK] for at in range(0, len(content), CHUNK)]
    head = {"authorization": f"Bearer {world.token}"}
    with httpx.Client(base_url=f"{world.url}/api/v1", verify=world.trust(), headers=head, trust_env=False) as api:
        new = Transfer.model_validate(api.post("/transfers", json={"size": len(content), "sha256": digest}).json())
        filled = {api.put(f"/transfers/{new.id}/chunks/{number}", content=data).status_code
                  for number, data in enumerate(chunks)}
        change = {"op": "put", "path": "/var/log/large", "sha256": digest, "transfer": new.id}
        job, partial = job_of(api, {"change": change}), there.with_name(f".guru-put-{new.id}")
        wait_until("it is under way", lambda: size_of(partial) > 2 * CHUNK or there.exists(), PATIENCE, 0.001)
        world.children[f"agent {PC}"].kill()
        quicker, kept = there.exists(), size_of(partial)
        world.start_agent(place)
        wait_until("the put is over", lambda: bool(over(world, job)), PATIENCE, seen=lambda: over(world, job))
        put = over(world, job)

        back = Transfer.model_validate(api.post("/transfers", json={}).json())
        job = job_of(api, {"file": {"op": "send", "path": "/var/log/large", "transfer": back.id}})
        wait_until("it is sent", lambda: bool(over(world, job)), PATIENCE, seen=lambda: over(world, job))
        whole = Transfer.model_validate(api.get(f"/transfers/{back.id}").json())
        got = b"".join(api.get(f"/transfers/{back.id}/chunks/{number}").content for number in range(whole.chunks))
        said = api.get(f"/jobs/{job}/output/{PC}").json()["stdout"]
        dropped = api.delete(f"/transfers/{back.id}").status_code
    wait_until("its new link is noted, once a second", lambda: world.get(f"/jobs/{job}")["runs"][0]["online"], PATIENCE)

    assert (filled, put) == ({204}, f"succeeded {len(content)} bytes, sha256 {digest}")
    assert (there.read_bytes() == content, partial.exists(), quicker or kept > CHUNK) == (True, False, True)
    assert (whole.state, whole.size, whole.sha256, dropped) == ("whole", len(content), digest, 204)
    assert (got == content, Sent.model_validate_json(said)) == (True, Sent(size=len(content), sha256=digest))


def test_a_log_is_followed_as_it_grows_until_its_time_is_over(world: World, place: AgentPlace, tmp_path: Path) -> None:
    log, heard = place.root / "var/log/grows.log", tmp_path / "heard"
    log.write_text("first\n")
    with heard.open("wb") as sink:
        tail = subprocess.Popen([BIN / "guru", "tail", "-f", f"{PC}:/var/log/grows.log", "--for", "15s"], stdout=sink,
                                env=world.guru_env())
    try:
        wait_until("the first line is here", lambda: heard.read_text() == "first\n", PATIENCE)
        with log.open("a") as file:
            file.write("second\n")
        wait_until("the second line is here", lambda: heard.read_text() == "first\nsecond\n", PATIENCE)
        tail.send_signal(signal.SIGINT)

        assert tail.wait(30) == 130
    finally:
        tail.kill()
        tail.wait(30)
    wait_until("it is ended on the device", lambda: (
        world.get("/jobs")["items"][0]["counts"] == {"cancelled": 1}), PATIENCE)
