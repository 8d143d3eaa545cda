"""A menu and a branding on their way from Git to a device: plan, manifest, explain."""

from __future__ import annotations

from guru_policy.bundle import digest_of
from guru_server.reconcile.explain import explained
from guru_server.reconcile.plan import Planner
from guru_wire.operator import PlanRequest
from tests.server.reconcile.conftest import World, ident

LOGO = "<svg/>"
TRAY = """\
apiVersion: guru/v1
kind: ActionSet
metadata: {name: menu}
spec:
  actions: {ticket: {type: CreateTicket, label: Help, icon: files/logo.svg}}
---
apiVersion: guru/v1
kind: Branding
metadata: {name: ours}
spec: {displayName: MSP Care}
"""
ACME = """\
apiVersion: guru/v1
kind: Branding
metadata: {name: acme}
spec: {displayName: Acme IT}
"""


async def test_a_customers_branding_is_planned_value_by_value_for_its_devices_only(world: World) -> None:
    await world.push("Tray", {"org/tray.yaml": TRAY, "files/logo.svg": LOGO})
    tip = world.remote.push("Acme", {"customers/acme/branding.yaml": ACME})
    await world.mirror.fetch()
    plan = await Planner(world.db, world.reconciler, world.clock).plan(PlanRequest(revision=tip))

    assert [(one.action, one.kind, one.scope) for one in plan.objects] == [("create", "Branding", "customers/acme")]
    assert [one.device for one in plan.devices] == [ident("acme/hq/web1")]
    assert [(one.path, one.before, one.after) for one in plan.devices[0].fields] == [
        ("branding.displayName", "MSP Care", "Acme IT")]


async def test_a_picture_of_the_menu_goes_with_the_manifest(world: World) -> None:
    await world.push("Tray", {"org/tray.yaml": TRAY, "files/logo.svg": LOGO})
    manifest = await world.manifest("acme/hq/web1")

    assert manifest is not None
    assert manifest.blobs == (digest_of(LOGO.encode()),)


async def test_the_server_explains_labels_and_branding(world: World) -> None:
    await world.push("Tray", {
        "org/tray.yaml": TRAY, "files/logo.svg": LOGO, "customers/acme/branding.yaml": ACME})
    label = await explained(world.db, world.reconciler, "acme/hq/web1", "actions.ticket.label")
    name = await explained(world.db, world.reconciler, "acme/hq/web1", "branding.displayName")

    assert (label.value, label.candidates[0].path) == ("Help", "org/tray.yaml")
    assert [(one.value, one.layer) for one in name.candidates] == [("Acme IT", "customer acme"), ("MSP Care", "org")]


async def test_a_faulty_branding_holds_its_own_customer_only(world: World) -> None:
    await world.push("Bad", {"customers/acme/branding.yaml": ACME.replace("displayName", "displyName")})

    assert (await world.customer("acme")).state == "Held"
    assert (await world.customer("bolt")).state == "InForce"
