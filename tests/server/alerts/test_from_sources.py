"""Rules and channels in force, read off revisions."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from guru_policy.errors import GuruError
from guru_policy.fleet import Fleet
from guru_policy.inventory import Device, Place
from guru_policy.loading import load
from guru_policy.tree import MemoryTree
from guru_server.alerts.from_sources import FromSources
from guru_server.reconcile.tables import customer_source
from guru_server.store.database import Database
from guru_server.store.schema import TENANT

HEAD = "apiVersion: guru/v1\n"
FILES = {
    "fleet.yaml": HEAD + "kind: Fleet\nmetadata: {name: msp}\nspec: {}\n",
    "org/alerts.yaml": HEAD
    + "kind: AlertRule\nmetadata: {name: disk}\n"
    + "spec: {check: 'disk*', selector: 'ring=early', for: 5m, notify: [noc]}\n"
    + "---\n" + HEAD
    + "kind: NotificationChannel\nmetadata: {name: noc}\nspec: {type: webhook, url: 'https://noc.example/a'}\n",
    "customers/acme/customer.yaml": HEAD
    + "kind: Customer\nmetadata: {name: acme, labels: {ring: early}}\nspec: {}\n",
    "org/policy.yaml": HEAD + "kind: Policy\nmetadata: {name: base}\n"
    + "spec: {checks: {disk-root: {kind: disk_space, path: /}}}\n",
    "customers/acme/sites/berlin/site.yaml": HEAD + "kind: Site\nmetadata: {name: berlin}\nspec: {}\n",
}
OLD, NEW = "a" * 40, "b" * 40


class Revisions:
    """Fleets by revision, and what was asked for."""

    def __init__(self) -> None:
        late = {**FILES, "org/alerts.yaml": FILES["org/alerts.yaml"].replace("5m", "9m")}
        self.fleets = {OLD: load(MemoryTree(FILES, OLD)), NEW: load(MemoryTree(late, NEW))}
        self.asked: list[set[str]] = []
        self.broken = False

    async def load(self, revisions: Collection[str]) -> Mapping[str, Fleet]:
        self.asked.append(set(revisions))
        if self.broken:
            raise GuruError("the mirror cannot be read")
        return {revision: self.fleets[revision] for revision in revisions if revision in self.fleets}


@pytest.fixture
def revisions() -> Revisions:
    return Revisions()


async def stand(db: Database, customer: str, org: str | None, own: str | None) -> None:
    values = {
        "tenant": TENANT, "customer": customer, "org_revision": org, "customer_revision": own, "held": None,
        "reason": "", "faults": "[]", "since": 0,
    }

    def write(connection: object) -> None:
        connection.execute(customer_source.delete().where(customer_source.c.customer == customer))  # type: ignore[attr-defined]
        connection.execute(customer_source.insert().values(values))  # type: ignore[attr-defined]

    await db.write(write)


def device(customer: str = "acme") -> Device:
    return Device("1" * 32, "web1", Place(customer, "berlin"))


async def test_a_customer_gets_the_rules_and_channels_of_its_pair(db: Database, revisions: Revisions) -> None:
    await stand(db, "acme", NEW, OLD)
    in_force = FromSources(db, revisions.load)
    await in_force.refresh()

    (rule,) = in_force.rules_for("acme") or ()
    assert rule.key == "org/disk"
    assert rule.timing.hold == 9 * 60_000
    assert rule.watches(device(), "disk-root")
    assert not rule.watches(device(), "cpu")
    assert not rule.watches(device("globex"), "disk-root")
    assert set(in_force.channels_for("acme") or ()) == {"noc"}


async def test_nothing_is_known_before_the_first_commit(db: Database, revisions: Revisions) -> None:
    in_force = FromSources(db, revisions.load)
    await in_force.refresh()

    assert in_force.rules_for("acme") is None
    assert in_force.channels_for("acme") is None


async def test_a_customer_that_left_has_no_rules_and_one_never_good_is_unknown(
    db: Database, revisions: Revisions
) -> None:
    await stand(db, "acme", OLD, OLD)
    await stand(db, "globex", None, None)
    in_force = FromSources(db, revisions.load)
    await in_force.refresh()

    assert in_force.rules_for("initech") == ()
    assert in_force.rules_for("globex") is None


async def test_revisions_are_loaded_only_when_they_changed(db: Database, revisions: Revisions) -> None:
    await stand(db, "acme", OLD, OLD)
    in_force = FromSources(db, revisions.load)
    await in_force.refresh()
    await in_force.refresh()
    await stand(db, "acme", NEW, NEW)
    await in_force.refresh()

    assert revisions.asked == [{OLD}, {NEW}]


async def test_a_revision_that_cannot_be_had_is_unknown_and_asked_for_again(
    db: Database, revisions: Revisions
) -> None:
    await stand(db, "acme", "c" * 40, "c" * 40)
    in_force = FromSources(db, revisions.load)
    await in_force.refresh()
    await in_force.refresh()

    assert in_force.rules_for("acme") is None
    assert len(revisions.asked) == 2


async def test_what_was_in_force_stays_while_the_repository_cannot_be_read(
    db: Database, revisions: Revisions
) -> None:
    await stand(db, "acme", OLD, OLD)
    in_force = FromSources(db, revisions.load)
    await in_force.refresh()
    await stand(db, "acme", NEW, NEW)
    revisions.broken = True
    await in_force.refresh()

    assert [rule.spec.lasting for rule in in_force.rules_for("acme") or ()] == [300]
    revisions.broken = False
    await in_force.refresh()
    assert [rule.spec.lasting for rule in in_force.rules_for("acme") or ()] == [540]
