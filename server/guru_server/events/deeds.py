"""Which rows of the audit log are events, too, and what those say. Pure; rules and addresses stay in the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from guru_server.events.noting import Happening

BY_ACTION: Mapping[str, str] = {
    "AccessAsked": "access.asked", "AccessDenied": "access.denied", "AccessGranted": "access.granted",
    "AccessRevoked": "access.revoked", "BreakGlass": "access.break_glass", "BreakGlassReviewed": "access.reviewed",
    "AlertAcknowledged": "alert.acknowledged",
    "ApprovalAsked": "approval.asked", "ApprovalDenied": "approval.denied", "ApprovalGiven": "approval.given",
    "DeviceApproved": "device.approved", "DeviceCloned": "device.cloned", "DeviceDenied": "device.denied",
    "DeviceEnrolled": "device.enrolled", "DeviceKeyRotated": "device.key_rotated", "LabelsChanged": "device.labelled",
    "DevicePending": "device.pending", "DeviceQuarantined": "device.quarantined", "DeviceReleased": "device.released",
    "DeviceRevoked": "device.revoked",
    "MaintenanceEnded": "maintenance.ended", "MaintenanceStarted": "maintenance.started",
    "OverrideExpired": "override.expired", "OverrideRemoved": "override.removed",
    "OverrideReplaced": "override.replaced", "OverrideSet": "override.set",
    "PlanApplied": "revision.applied", "RevisionPartlyHeld": "revision.partly_held",
    "RevisionPublished": "revision.published", "RevisionRefused": "revision.refused",
    "PlanRefused": "revision.refused", "RolledBack": "revision.rolled_back",
    "SessionEnded": "session.ended", "SessionsEnded": "session.ended", "RefreshReused": "session.reused",
    "SignedIn": "session.signed_in",
    "TokenCreated": "token.created", "TokenExchanged": "token.exchanged", "TokenRevoked": "token.revoked",
    "SecondFactorRemoved": "user.factor_removed", "SecondFactorSet": "user.factor_set", "UserInvited": "user.invited",
    "CredentialsDeleted": "user.forgotten", "UserLeft": "user.left",
    "PersonProvisioned": "user.provisioned", "PersonChanged": "user.changed", "PersonActivated": "user.activated",
    "PersonDeactivated": "user.deactivated", "PersonDeprovisioned": "user.deprovisioned",
    "GroupProvisioned": "group.provisioned", "GroupChanged": "group.changed",
    "GroupDeprovisioned": "group.deprovisioned",
    "UserLocked": "user.locked", "PasswordSet": "user.password_set", "RecoveryCodeUsed": "user.recovered",
    "UserUnlocked": "user.unlocked",
}


class Told(Protocol):
    """What a deed of the audit log has."""

    @property
    def actor(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def result(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def customer(self) -> str: ...
    @property
    def revision(self) -> str: ...


def happening(deed: Told) -> Happening | None:
    """The event of a deed; None when it is none. Rules, requests and addresses are the log's alone."""
    name = BY_ACTION.get(deed.action)
    if name is None:
        return None
    data = {"actor": deed.actor, "object": deed.about, "result": deed.result}
    if name.startswith("revision."):
        data["revision"] = deed.revision
    return Happening(name, deed.about, data, device=deed.device, customer=deed.customer)
