"""Which orders are about transfers. It runs nothing."""

from __future__ import annotations

from guru_wire.orders import Order


def transfer_of(order: Order) -> str:
    """The transfer that an order is about; empty for any other."""
    command = order.command
    if command.send is not None:
        return command.send.transfer
    return command.change.transfer if command.change is not None else ""
