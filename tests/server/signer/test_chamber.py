"""The signer signs what it parsed, by purpose, and refuses everything else."""

from __future__ import annotations

import base64
import os
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_policy.errors import Refused
from guru_server.signer.brake import Brake
from guru_server.signer.chamber import Chamber, Peer
from guru_server.signer.holding import FileKeys, same_for_all
from guru_server.signer.near import near
from guru_wire.audit_chain import Position, genuine
from guru_wire.manifest import MANIFEST_LIFE_MS, Manifest, open_manifest
from guru_wire.orders import Command, open_authority, open_cancel, open_order
from guru_wire.signing import Signed, public_bytes

NOW = 1_700_000_000_000
PC, OTHER = "a" * 32, "b" * 32


def manifest(**other: Any) -> Manifest:
    told = {
        "device": PC, "serial": 1, "revision": "r1", "bundle": "0" * 64, "issued_at": NOW,
        "expires_at": NOW + MANIFEST_LIFE_MS,
    }
    return Manifest(**{**told, **other})


def chamber(now: int = NOW) -> Chamber:
    class Nothing:
        def told(self) -> dict[str, Any]:
            return {"chain": [], "word": None, "audit": []}

        def keep_word(self, word: object) -> None:
            raise AssertionError(word)

    keys = FileKeys({name: Ed25519PrivateKey.generate() for name in ("state", "command", "audit")})
    return Chamber(same_for_all(keys), Brake(None, {"commands": 10, "states": 10}), Nothing(), lambda: now)


def asked(message: dict[str, Any], *, second: bool = False) -> dict[str, Any]:
    return chamber().answer({"tenant": "main", **message}, Peer(os.getuid() + 1, second))


def test_every_purpose_is_signed_as_those_who_check_it_expect() -> None:
    state, command, audit = (Ed25519PrivateKey.generate() for _ in range(3))
    signer = near(state, command, audit)
    with signer.manifests("main") as sending:
        for serial in range(1, 1200):
            sending.add(manifest(serial=serial))
        signed = [Signed.model_validate_json(one) for one in sending.signed()]
    [(order, proofs)] = signer.orders(
        "main", "c" * 32, Command(argv=("echo", "\u00e9 \U0001f600")), [[PC, OTHER]], [["1" * 32, "2" * 32]],
        issued_at=NOW, expires_at=NOW + 1000,
    )
    authority = open_authority(signer.authority("main", NOW), state_key=public_bytes(state), now=NOW)
    mark = signer.checkpoint("main", Position(3, "f" * 64), NOW)

    for serial, one in enumerate(signed, 1):
        opened = open_manifest(one, state_key=public_bytes(state), device=PC, newest=serial, now=NOW)
        assert opened == manifest(serial=serial)
    for device, proof in zip((PC, OTHER), proofs, strict=True):
        found = open_order(order, proof, key=public_bytes(command), device=device, now=NOW)
        assert found.command.argv == ("echo", "\u00e9 \U0001f600")
    assert base64.b64decode(authority.key) == public_bytes(command)
    assert open_cancel(signer.cancel("main", "c" * 32, NOW), key=public_bytes(command)).job == "c" * 32
    assert genuine(mark, {base64.b64encode(public_bytes(audit)).decode()})


@pytest.mark.parametrize("payload", [
    "hello", "[]", "{}", "\ud800",
    manifest().model_dump_json().replace('"serial":1', '"serial": 1'),
    manifest().model_dump_json()[:-1] + ',"more":1}',
    manifest().model_dump_json().replace('"serial":1', '"serial":1,"serial":2'),
    manifest(device="nobody").model_dump_json(),
    manifest(expires_at=NOW + MANIFEST_LIFE_MS + 1).model_dump_json(),
    manifest(issued_at=NOW + 3_600_000, expires_at=NOW + 3_600_001).model_dump_json(),
    manifest(serial=0).model_dump_json(),
    manifest(bundle="x").model_dump_json(),
])
def test_what_is_no_manifest_is_not_signed(payload: str) -> None:
    answer = asked({"op": "manifests", "payloads": [payload]})

    assert answer["error"] == "Refused"
    assert "signature" not in str(answer.keys())


@pytest.mark.parametrize("message", [
    {"op": "sign", "payload": "anything"},
    {"op": "manifests", "payloads": []},
    {"op": "manifests", "payloads": ["{}"] * 5_000},
    {"op": "manifests", "payloads": [], "tenant": "../other"},
    {"op": "cancel", "job": "c" * 31, "issued_at": NOW},
    {"op": "cancel", "job": "c" * 32, "issued_at": NOW + 3_600_000},
    {"op": "authority", "issued_at": NOW * 2},
    {"op": "checkpoint", "seq": -1, "hash": "f" * 64, "at": NOW},
    {"op": "checkpoint", "seq": 1, "hash": "f" * 64, "at": True},
    {"op": "orders", "job": "c" * 32, "issued_at": NOW, "expires_at": NOW + 1, "command": "{}", "groups": []},
    {"op": "orders", "job": "c" * 32, "issued_at": NOW, "expires_at": NOW + 1, "command": '{"argv":[],"argv":["x"]}',
     "groups": [[[PC], ["1" * 32]]]},
    {"op": "orders", "job": "c" * 32, "issued_at": NOW, "expires_at": NOW + 1, "command": '{"more":1}',
     "groups": [[[PC], ["1" * 32]]]},
    {"op": "orders", "job": "c" * 32, "issued_at": NOW, "expires_at": NOW + 1, "command": "{}",
     "groups": [[[PC, OTHER], ["1" * 32]]]},
])
def test_what_has_no_purpose_or_another_shape_is_refused(message: dict[str, Any]) -> None:
    assert asked(message)["error"] == "Refused"


def test_the_server_itself_neither_releases_the_brake_nor_names_another_authority() -> None:
    release = {"op": "release", "kind": "states", "devices": 5, "until": NOW + 1000, "reason": "me"}

    assert asked(release)["error"] == "Refused"
    assert asked({"op": "word", "ca": "PEM", "link_key": "A" * 44})["error"] == "Refused"
    assert asked(release, second=True)["devices"] == 5


def test_no_answer_holds_a_private_key() -> None:
    keys = {name: Ed25519PrivateKey.generate() for name in ("state", "command", "audit")}
    told = str(near(**keys).hello())

    assert all(base64.b64encode(key.private_bytes_raw()).decode() not in told for key in keys.values())
    assert len(re.findall(r"[A-Za-z0-9+/]{43}=", told)) == len(keys)


def test_a_refusal_of_the_signer_is_one_for_whoever_asked() -> None:
    with pytest.raises(Refused, match="the signer does not sign that"):
        near().ask({"op": "sign", "tenant": "main"})
