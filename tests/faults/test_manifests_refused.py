"""What a real agent does not believe: altered, replayed, expired or another device's. It says so, too."""

from __future__ import annotations

import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from guru_wire.manifest import Manifest, seal_manifest
from guru_wire.signing import Signed
from tools.lab.office import PATIENCE, device, holds, note, settle
from tools.lab.rows import change, rows
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.fault

PATH = "/etc/office/note.txt"
HOUR = 3_600_000


def row(world: World, device_id: str) -> Any:
    """The device's manifest as the server's database has it."""
    query = "SELECT serial, signed FROM manifest WHERE device = :device"
    [(serial, signed)] = rows(world.database_url, query, {"device": device_id})
    return serial, Signed.model_validate_json(signed)


def plant(world: World, device_id: str, serial: int, signed: Signed) -> None:
    """Put another manifest into the database, and let the server announce it."""
    values = {"device": device_id, "serial": serial, "signed": signed.model_dump_json()}
    change(
        world.database_url, "UPDATE manifest SET serial = :serial, signed = :signed WHERE device = :device", values
    )
    change(world.database_url, "UPDATE device_state SET desired_serial = :serial WHERE device = :device", values)


def again(world: World, place: AgentPlace) -> None:
    """Start the agent anew: it asks for its manifest when it connects."""
    world.children[f"agent {place.name}"].kill()
    world.start_agent(place)


def state_key(world: World) -> Ed25519PrivateKey:
    key = load_pem_private_key((world.keys / "state.key").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def test_a_manifest_that_is_not_to_be_believed_is_refused_and_reported(world: World, place: AgentPlace) -> None:
    other = settle(world, "acme-pc02")
    me = device(world, place.name)["id"]
    first, oldest = row(world, me)
    world.remote.push("Say one", {"org/note.yaml": note(PATH, "one")})
    wait_until("both say one", lambda: all(holds(one, PATH, "one") for one in (place, other)), PATIENCE)
    serial, good = row(world, me)
    manifest = Manifest.model_validate_json(good.payload)
    next_one = manifest.model_copy(update={"serial": serial + 1})
    evil = next_one.model_copy(update={"bundle": "e" * 64})
    past = next_one.model_copy(update={"expires_at": int(time.time() * 1000) - HOUR})
    cases = {
        "signature": good.model_copy(update={"payload": evil.model_dump_json()}),
        "replayed": oldest,
        "expired": seal_manifest(state_key(world), past),
        "not for this one": row(world, device(world, other.name)["id"])[1],
        "another key": seal_manifest(Ed25519PrivateKey.generate(), next_one),
    }
    told: dict[str, list[str]] = {}
    for count, (name, signed) in enumerate(cases.items(), 1):
        plant(world, me, serial + 1, signed)
        again(world, place)
        wait_until(f"{name} is reported", lambda count=count: refused(world, place) >= count, PATIENCE)
        told[name] = [one["message"] for one in device(world, place.name)["refusals"]]
    shown: Any = world.ask("device", "show", place.name)

    assert first < serial
    assert holds(place, PATH, "one")
    assert shown["conditions"][0]["reason"] == "ManifestRefused"
    assert shown["serial"] == serial + 1
    assert shown["run"]["serial"] == serial
    for words in ("replayed", "expired", "not for this one"):
        assert any(words in message for message in told[words]), told[words]
    assert len({one["message"] for one in shown["refusals"]}) >= 4

    plant(world, me, serial, good)
    again(world, place)
    world.remote.push("Say two", {"org/note.yaml": note(PATH, "two")})
    wait_until("it believes the server again", lambda: holds(place, PATH, "two"), PATIENCE)
    wait_until("nothing stands in the way", lambda: not device(world, place.name)["conditions"], PATIENCE)


def refused(world: World, place: AgentPlace) -> int:
    """How many refusals the server heard of."""
    return sum(one["times"] for one in device(world, place.name)["refusals"])
