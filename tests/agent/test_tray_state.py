"""What the tray needs is on the device: menu, branding and picture, also after a restart without the server."""

from __future__ import annotations

from guru_policy.bundle import PlacedAction, PlacedCategory, digest_of
from tests.agent.conftest import Parts
from tests.agent.link_server import Fleet, LinkServer, until

LOGO = b"<svg/>"
CATEGORY = PlacedCategory(id="fix", label="Repair")
ACTION = PlacedAction(id="print", type="RestartService", spec={
    "label": "Restart printing", "category": "fix", "service": "cups", "elevate": True})


async def test_menu_branding_and_picture_are_kept_for_the_tray(parts: Parts, fleet: Fleet, server: LinkServer) -> None:
    branding = {"displayName": "Acme IT", "iconDigest": digest_of(LOGO)}
    fleet.publish(fleet.bundle().model_copy(update={
        "categories": (CATEGORY,), "actions": (ACTION,), "branding": branding, "blobs": (digest_of(LOGO),)}), LOGO)
    async with parts.linked():
        await until(lambda: parts.desired.serial == 1)
    again = Parts(parts.folder)

    assert again.desired.current is not None
    kept = again.desired.current.bundle
    assert (kept.categories, kept.actions, kept.branding) == ((CATEGORY,), (ACTION,), branding)
    assert again.blobs.read(digest_of(LOGO)) == LOGO
