"""What simulated agents answer: never something that would be believed of a real machine."""

from __future__ import annotations

import base64

import pytest

from guru_wire.orders import Command, Order
from guru_wire.querying import Query, QueryLimits
from tests.bench.fleet_sim.orders import KERNEL, carried_out


@pytest.mark.parametrize("command", [
    Command(query=Query(sql="select 1", limits=QueryLimits())), Command(look="vpn")], ids=["query", "look"])
def test_a_simulated_device_has_no_rows_and_says_so(command: Command) -> None:
    order = Order(job="a" * 32, root="", issued_at=0, expires_at=1, command=command)
    run = carried_out(order, "birch-1", 5)

    assert (run.state, run.out) == ("failed", 0)
    assert "simulated" in run.reason


def test_the_one_row_it_has_says_that_it_is_simulated() -> None:
    order = Order(job="a" * 32, root="", issued_at=0, expires_at=1, command=Command(query=Query(sql=KERNEL)))
    run = carried_out(order, "birch-1", 5)

    assert run.state == "succeeded"
    assert b'"simulated"' in base64.b64decode(run.rest[0].data)
