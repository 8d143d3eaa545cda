"""What simulated agents answer: never something that would be believed of a real machine."""

from __future__ import annotations

import pytest

from guru_wire.orders import Command, Order
from guru_wire.querying import Query, QueryLimits
from tests.bench.fleet_sim.orders import carried_out


@pytest.mark.parametrize("command", [
    Command(query=Query(sql="select 1", limits=QueryLimits())), Command(look="vpn")], ids=["query", "look"])
def test_a_simulated_device_has_no_rows_and_says_so(command: Command) -> None:
    order = Order(job="a" * 32, root="", issued_at=0, expires_at=1, command=command)
    run = carried_out(order, "birch-1", 5)

    assert (run.state, run.out) == ("failed", 0)
    assert "simulated" in run.reason
