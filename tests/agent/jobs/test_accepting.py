"""What an agent believes of orders: genuine, for it, in time, and new; nothing else."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from guru_agent.jobs.accepting import Forgotten
from guru_policy.errors import Untrusted
from guru_wire.orders import Command, Expired
from tests.agent.conftest import Parts, enrolled
from tests.agent.link_server import Fleet, now_ms

TRUE = Command(argv=("true",))
OTHERS = tuple(secrets.token_hex(16) for _ in range(6))


@pytest.fixture
def parts(tmp_path: Path, fleet: Fleet) -> Parts:
    enrolled(tmp_path / "state", fleet, "https://localhost:1")
    made = Parts(tmp_path / "state")
    made.acceptance.greeted(anew=False)
    return made


def test_a_genuine_order_is_taken_whoever_else_it_is_for(parts: Parts, fleet: Fleet) -> None:
    alone, among = fleet.order(TRUE, job="a" * 32), fleet.order(TRUE, *OTHERS, job="b" * 32)

    assert parts.acceptance.order(alone).job == "a" * 32
    assert parts.acceptance.order(among).job == "b" * 32
    assert parts.acceptance.order(among).command == TRUE


def test_an_order_for_other_devices_is_refused(parts: Parts, fleet: Fleet) -> None:
    foreign = fleet.order(TRUE, *OTHERS, device=OTHERS[0])

    with pytest.raises(Untrusted, match="other devices"):
        parts.acceptance.order(foreign)


@pytest.mark.parametrize("spoil", ["order", "nonce", "path", "key", "authority"])
def test_an_altered_order_is_refused(spoil: str, parts: Parts, fleet: Fleet) -> None:
    good = fleet.order(TRUE, *OTHERS)
    text = good.order.payload.replace('"true"', '"false"')
    spoilt = {
        "order": {"order": good.order.model_copy(update={"payload": text})}, "nonce": {"nonce": "0" * 32},
        "path": {"path": good.path[:-1]}, "key": {"order": Fleet.order(fleet, TRUE).order},
        "authority": {"authority": good.order},
    }[spoil]

    with pytest.raises(Untrusted):
        parts.acceptance.order(good.model_copy(update=spoilt))


def test_a_key_that_the_state_key_does_not_vouch_for_orders_nothing(parts: Parts, fleet: Fleet) -> None:
    fleet.command_key, held = fleet.device_key, fleet.command_key
    forged = fleet.order(TRUE)
    fleet.command_key = held
    genuine = fleet.authority()

    with pytest.raises(Untrusted, match="signature"):
        parts.acceptance.order(forged.model_copy(update={"authority": genuine}))


def test_a_key_that_was_replaced_orders_nothing_any_more(parts: Parts, fleet: Fleet) -> None:
    old = fleet.order(TRUE)
    fleet.command_key = fleet.device_key
    newer = fleet.authority(issued_at=now_ms() + 5)
    parts.acceptance.order(fleet.order(TRUE).model_copy(update={"authority": newer}))

    with pytest.raises(Untrusted, match="replaced"):
        parts.acceptance.order(old)


def test_a_late_order_is_named_and_not_taken(parts: Parts, fleet: Fleet) -> None:
    now = now_ms()
    late = fleet.order(TRUE, job="c" * 32, issued_at=now - 60_000, expires_at=now - 1)

    with pytest.raises(Expired) as caught:
        parts.acceptance.order(late)
    assert caught.value.job == "c" * 32


def test_a_job_that_began_is_passed_over(parts: Parts, fleet: Fleet) -> None:
    order = fleet.order(TRUE, job="d" * 32)
    parts.runs.begin("d" * 32, now_ms() + 60_000, now_ms())

    assert parts.acceptance.order(order) is None


def test_an_order_from_before_this_memory_is_forgotten_not_run(parts: Parts, fleet: Fleet) -> None:
    now = now_ms()
    before = fleet.order(TRUE, job="e" * 32, issued_at=now - 60_000)

    assert isinstance(parts.acceptance.order(before), Forgotten)


def test_what_was_forgotten_is_refused_whatever_the_clock_says(parts: Parts, fleet: Fleet) -> None:
    day, soon = 24 * 3600 * 1000, now_ms() + 60_000
    with parts.store.transaction():
        for number in range(2_300):
            parts.runs.end(f"{number:032x}", soon + number, soon + 3 * day)

    assert not parts.runs.knows(f"{0:032x}")
    with pytest.raises(Expired):        # the clock says that its time is not over
        parts.acceptance.order(fleet.order(TRUE, job=f"{0:032x}", expires_at=soon))
