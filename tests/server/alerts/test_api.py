"""The routes, through the real application."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httpx

from guru_policy.inventory import Device, Scalar
from guru_server.alerts.api import router as alerts_router
from guru_server.notify.api import router as notify_router
from tests.server.alerts.conftest import MINUTE, WEB1, Shop
from tests.server.door import admitted


async def labels() -> Callable[[Device], Mapping[str, Scalar]]:
    """Only those of technicians."""
    return lambda device: {f"op/{key}": value for key, value in device.op_labels.items()}


async def ask(shop: Shop, path: str) -> httpx.Response:
    routers = alerts_router(shop.db, shop.bus, shop.clock, labels), notify_router(shop.db)
    async with admitted(shop.db, *routers) as client:
        return await client.get(path)


async def test_alerts_and_their_notes_can_be_listed(shop: Shop) -> None:
    await shop.says("critical", ago=5 * MINUTE)
    await shop.sweep()

    alerts = (await ask(shop, "/alerts?state=firing")).json()
    notes = (await ask(shop, "/notifications?state=waiting")).json()

    assert alerts["apiVersion"] == "guru/v1"
    assert [(row["device"], row["state"], row["rule"]) for row in alerts["items"]] == [
        (WEB1, "firing", "org/disk-full")
    ]
    assert [(row["alert"], row["channel"], row["state"]) for row in notes["items"]] == [
        (alerts["items"][0]["id"], "noc", "waiting")
    ]


async def test_a_made_up_cursor_is_a_problem_with_a_hint(shop: Shop) -> None:
    answer = await ask(shop, "/alerts?cursor=nonsense")

    assert answer.status_code == 400
    assert answer.json()["code"] == "G0400"
    assert answer.json()["hint"]
