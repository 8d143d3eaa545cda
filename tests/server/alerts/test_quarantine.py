"""A device in quarantine is an alert like any: a rule of the repository says who hears of it."""

from __future__ import annotations

from sqlalchemy import select

from guru_server.alerts.tables import alert
from guru_server.fleet.holding import CHECK, hold
from guru_server.store.schema import TENANT
from tests.server.alerts.conftest import WEB1, Shop, rule


async def test_a_quarantine_fires_the_rules_that_watch_it_and_a_release_clears_it(shop: Shop) -> None:
    shop.in_force.rules = [rule("org/identity", check=CHECK, **{"for": "1m"})]

    async def states() -> list[str]:
        return list(await shop.db.read(lambda c: c.execute(select(alert.c.state)).scalars().all()))

    await shop.db.write(lambda c: hold(c, TENANT, WEB1, "quarantined", "a copy", shop.clock()))
    await shop.sweep()
    await shop.sweep(2)
    fired = await states()
    await shop.db.write(lambda c: hold(c, TENANT, WEB1, "", "", shop.clock()))
    await shop.sweep(1)
    await shop.sweep(10)

    assert (fired, await states()) == (["firing"], ["resolved"])


async def test_what_the_device_says_of_itself_does_not_hide_a_quarantine(shop: Shop) -> None:
    shop.in_force.rules = [rule("org/identity", check=CHECK, **{"for": "1m"})]
    await shop.says("ok", CHECK, skew=10**12)
    await shop.db.write(lambda c: hold(c, TENANT, WEB1, "quarantined", "a copy", shop.clock()))
    await shop.sweep()
    await shop.sweep(2)

    assert await shop.db.read(lambda c: c.execute(select(alert.c.state)).scalars().all()) == ["firing"]
