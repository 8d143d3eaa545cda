"""A device changes its key, and is killed at every moment of it: it links all the same."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_agent.host.hardware import hardware
from guru_agent.state.identity import KEY_BEFORE, KEY_FILE, ROTATING_KEY, load_identity
from guru_agent.state.keys import KeyFiles
from guru_wire.signing import public_bytes
from tests.agent.conftest import Parts
from tests.agent.link_server import Fleet, LinkServer, until

KILLED = """
import os, pathlib, signal, sys
from guru_agent.state.identity import load_identity

moment = int(sys.argv[2])

def at(event, args):
    global moment
    if event in ("os.rename", "os.remove"):
        moment -= 1
        if moment < 0:
            os.kill(os.getpid(), signal.SIGKILL)

identity = load_identity(pathlib.Path(sys.argv[1]))
sys.addaudithook(at)
identity.renew(identity.make_rotating())
"""


def key_of(folder: Path, name: str) -> Ed25519PrivateKey:
    key = KeyFiles().load(folder / name)
    assert key is not None
    return key


async def links(folder: Path) -> Parts:
    """A restarted agent links; its parts, closed again."""
    parts = Parts(folder)
    try:
        async with parts.linked():
            await until(lambda: ("up", "websocket") in parts.link)
    finally:
        parts.store.close()
    return parts


async def test_the_agent_makes_a_key_when_the_server_asks(parts: Parts, fleet: Fleet, server: LinkServer) -> None:
    old = public_bytes(parts.identity.key)
    fleet.rotate = True
    async with parts.linked():
        await until(lambda: public_bytes(parts.identity.key) != old)
    [asked] = fleet.rekeyed
    kept = load_identity(parts.folder)

    assert public_bytes(kept.key) == public_bytes(parts.identity.key)
    assert asked.public_key != fleet.hellos[0].sealing_key
    assert public_bytes(key_of(parts.folder, KEY_BEFORE)) == old
    assert {file.stat().st_mode & 0o777 for file in parts.folder.glob("device.key*")} == {0o600}


async def test_a_word_for_a_new_key_that_the_server_does_not_know_locks_nobody_out(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    fleet.rotate, fleet.adopts = True, False
    old = public_bytes(parts.identity.key)
    async with parts.linked():
        await until(lambda: bool(fleet.rekeyed))
        fleet.rotate = False
        await until(lambda: len(fleet.hellos) == 2 and parts.link[-1] == ("up", "websocket"))

    assert public_bytes(parts.identity.key) == old == public_bytes(load_identity(parts.folder).key)


async def test_an_answer_that_was_lost_is_made_up_by_the_next_hello(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    fleet.rotate, fleet.answers_rekey = True, False
    async with parts.linked():
        await until(lambda: bool(fleet.rekeyed))
        fleet.device_key, fleet.rotate = key_of(parts.folder, ROTATING_KEY), False      # it was committed
        await server.stop()
        await server.start()
        await until(lambda: public_bytes(parts.identity.key) == public_bytes(fleet.device_key))

    assert not (parts.folder / ROTATING_KEY).exists()
    assert public_bytes(load_identity(parts.folder).key) == public_bytes(fleet.device_key)


async def test_a_wish_that_never_arrived_leaves_the_old_key(parts: Parts, fleet: Fleet, server: LinkServer) -> None:
    waiting = parts.identity.make_rotating()
    async with parts.linked():
        await until(lambda: ("up", "websocket") in parts.link)
    again = parts.identity.make_rotating()

    assert public_bytes(parts.identity.key) == public_bytes(fleet.device_key)
    assert public_bytes(again) == public_bytes(waiting)


@pytest.mark.fault
@pytest.mark.parametrize("moment", range(6))
@pytest.mark.parametrize("switched", [True, False], ids=["the server has the new key", "the server has the old key"])
async def test_an_agent_killed_in_a_rotation_still_links(
    state: Path, fleet: Fleet, server: LinkServer, moment: int, switched: bool
) -> None:
    old = load_identity(state).key
    load_identity(state).make_rotating()
    new = key_of(state, ROTATING_KEY)
    if switched:                        # only then does the agent begin to move files
        fleet.device_key = new
        done = subprocess.run([sys.executable, "-c", KILLED, state, str(moment)], timeout=60)
        assert done.returncode == (-signal.SIGKILL if moment < MOVES else 0)
    parts = await links(state)

    assert public_bytes(parts.identity.key) == public_bytes(new if switched else old)
    assert public_bytes(key_of(state, KEY_FILE)) == public_bytes(parts.identity.key)


MOVES = 5                               # two files that are made anew, each removed and renamed, and the key


async def test_a_held_device_keeps_what_it_has_to_say(parts: Parts, fleet: Fleet, server: LinkServer) -> None:
    fleet.held = "pending"
    parts.spool.add_sample(b'["abc",1,[1.0]]')
    async with parts.linked():
        await until(lambda: ("pending", "websocket") in parts.link)
        waits = parts.spool.depth.items
        fleet.held = ""
        await server.stop()
        await server.start()
        await until(lambda: parts.spool.depth.items == 0)

    assert (waits, [item["kind"] for item in fleet.items]) == (1, ["sample"])


async def test_every_hello_of_a_run_names_the_same_process(parts: Parts, fleet: Fleet, server: LinkServer) -> None:
    async with parts.linked():
        await until(lambda: len(fleet.hellos) == 1)
        await server.stop()
        await server.start()
        await until(lambda: len(fleet.hellos) == 2)
    async with parts.linked():
        await until(lambda: len(fleet.hellos) == 3)
    first, second, other_run = (hello.process for hello in fleet.hellos)

    assert (first, len(first)) == (second, 32)
    assert other_run != first


def test_a_sandbox_is_the_machine_that_its_machine_id_says(tmp_path: Path) -> None:
    empty = hardware(tmp_path)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/machine-id").write_text("1\n")
    one = hardware(tmp_path)
    (tmp_path / "etc/machine-id").write_text("2\n")

    assert (empty, len(one), len(hardware(tmp_path))) == ("", 64, 64)
    assert hardware(tmp_path) != one
