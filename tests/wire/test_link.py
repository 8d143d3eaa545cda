"""Frames: told apart by their type, bounded, and open to fields of a newer LANGUAGE."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from guru_wire.link import (
    MAX_BATCH_ITEMS,
    Batch,
    FromAgent,
    FromServer,
    Hello,
    Item,
    Pull,
    Welcome,
    hello_bytes,
    rekey_bytes,
)

AGENT: TypeAdapter[FromAgent] = TypeAdapter(FromAgent)
SERVER: TypeAdapter[FromServer] = TypeAdapter(FromServer)


def test_a_frame_with_a_field_of_a_newer_language_is_understood() -> None:
    assert AGENT.validate_json('{"t": "pull", "since": 5}') == Pull()


@pytest.mark.parametrize("frame", ["{}", '{"t": "welcome"}', '{"t": "batch"}', "[]", '"pull"', "null"])
def test_a_frame_no_agent_sends_is_refused(frame: str) -> None:
    with pytest.raises(ValidationError):
        AGENT.validate_json(frame)


@pytest.mark.parametrize("seq", [0, -1])
def test_a_sequence_number_counts_from_one(seq: int) -> None:
    with pytest.raises(ValidationError):
        Item(seq=seq, kind="facts", body={})


def test_a_batch_is_bounded() -> None:
    items = tuple(Item(seq=n + 1, kind="facts", body={}) for n in range(MAX_BATCH_ITEMS + 1))

    with pytest.raises(ValidationError):
        Batch(items=items)


def test_what_a_hello_signs_differs_with_every_part() -> None:
    parts = {"device": "d", "spool": "s", "server_nonce": "n", "agent_nonce": "m"}
    signed = {hello_bytes(**{**parts, name: "x"}) for name in parts} | {hello_bytes(**parts)}

    assert len(signed) == 5


def test_what_language_6_adds_to_the_handshake_may_be_absent() -> None:
    hello = {"t": "hello", "language": 5, "device": "d", "nonce": "n", "spool": "s", "agent_version": "1",
             "signature": ""}
    welcome = {"t": "welcome", "language": 5, "now": 1, "mark": 0, "serial": 0, "signature": ""}
    greeted = Welcome.model_validate(welcome)

    assert Hello.model_validate(hello).process == ""
    assert (greeted.held, greeted.rotate) == ("", False)


def test_a_new_key_is_signed_for_one_device_and_one_old_key() -> None:
    said = {rekey_bytes(device=d, old=o, new=n) for d, o, n in (("a", "b", "c"), ("x", "b", "c"), ("a", "x", "c"))}

    assert len(said) == 3
