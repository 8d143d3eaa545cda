"""Every type of event that there is, who may see it, and patterns of types. Pure: it knows nothing that happened."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from guru_policy.errors import InputInvalid
from guru_policy.text.suggesting import did_you_mean

PREFIX = "dev.gururmm."
MOST_PATTERNS = 50
_PATTERN = re.compile(r"[a-z_*]+(\.[a-z_*]+)?")


class Kind(NamedTuple):
    """What a type of event is: whoever may do `verb` there sees it. `bare`: what others than the whole office see of
    one that concerns more than one customer."""

    verb: str
    told: str
    bare: tuple[str, ...] = ()


_REVISION = ("object", "revision")
_JOB = ("job", "what", "actor")
TYPES: Mapping[str, Kind] = {
    "access.asked": Kind("approval.give", "somebody asks for rights for a while"),
    "access.break_glass": Kind("approval.give", "somebody took the role for emergencies"),
    "access.denied": Kind("approval.give", "a request for rights was denied"),
    "access.granted": Kind("approval.give", "a request for rights was granted"),
    "access.reviewed": Kind("approval.give", "somebody looked at what was done by break-glass"),
    "access.revoked": Kind("approval.give", "granted rights were ended"),
    "alert.acknowledged": Kind("alert.read", "somebody has taken an alert up"),
    "alert.fired": Kind("alert.read", "an alert began to fire"),
    "alert.resolved": Kind("alert.read", "an alert that fired is over"),
    "approval.asked": Kind("approval.give", "an act waits for a second person"),
    "approval.denied": Kind("approval.give", "a second person said no"),
    "approval.given": Kind("approval.give", "a second person agreed"),
    "device.approved": Kind("device.read", "a device that waited was let in"),
    "device.cloned": Kind("device.read", "two machines use one device's key"),
    "device.denied": Kind("device.read", "a device that waited is kept out"),
    "device.enrolled": Kind("device.read", "a device joined"),
    "device.key_rotated": Kind("device.read", "a device has a new key"),
    "device.labelled": Kind("device.read", "labels of a device were changed"),
    "device.offline": Kind("device.read", "nothing was heard of a device for three heartbeats"),
    "device.online": Kind("device.read", "a device is there"),
    "device.pending": Kind("device.read", "a device joined and waits until somebody looks"),
    "device.quarantined": Kind("device.read", "a device was put into quarantine"),
    "device.released": Kind("device.read", "a device's quarantine ended"),
    "device.revoked": Kind("device.read", "a device was cut off for good"),
    "group.changed": Kind("audit.read", "an identity provider changed a group of people, or who is in it"),
    "group.deprovisioned": Kind("audit.read", "an identity provider took a group of people away"),
    "group.provisioned": Kind("audit.read", "an identity provider made a group of people"),
    "job.cancelled": Kind("device.read", "somebody ended a job", _JOB),
    "job.created": Kind("device.read", "a job was made", _JOB),
    "job.finished": Kind("device.read", "every run of a job has ended", _JOB),
    "job.wave": Kind("device.read", "a job's next wave began", _JOB),
    "maintenance.ended": Kind("alert.read", "a window opened by hand was closed"),
    "maintenance.started": Kind("alert.read", "somebody opened a maintenance window by hand"),
    "override.expired": Kind("device.read", "the time of a device's override is over"),
    "override.removed": Kind("device.read", "a device's override was ended"),
    "override.replaced": Kind("device.read", "a device's override was replaced"),
    "override.set": Kind("device.read", "a device differs from Git by hand"),
    "query.changed": Kind("query.run", "rows of a standing query came or went on a device"),
    "revision.applied": Kind("device.read", "a saved plan came into force", _REVISION),
    "revision.held": Kind("device.read", "a customer stays at its last good revision"),
    "revision.partly_held": Kind("device.read", "a commit came into force, but not for everybody", _REVISION),
    "revision.published": Kind("device.read", "a commit came into force", _REVISION),
    "revision.refused": Kind("device.read", "a commit was refused", _REVISION),
    "revision.rolled_back": Kind("device.read", "somebody went back to a revision", _REVISION),
    "session.ended": Kind("audit.read", "a sign-in was ended"),
    "session.reused": Kind("audit.read", "an old refresh token was used: somebody has a copy"),
    "session.signed_in": Kind("audit.read", "somebody signed in"),
    "token.created": Kind("audit.read", "a token or key was made"),
    "token.exchanged": Kind("audit.read", "a CI job signed in"),
    "token.revoked": Kind("audit.read", "a token or key was ended"),
    "user.activated": Kind("audit.read", "an identity provider lets somebody sign in again"),
    "user.changed": Kind("audit.read", "an identity provider changed name, id or details of somebody"),
    "user.deactivated": Kind("audit.read", "an identity provider lets somebody sign in no more"),
    "user.deprovisioned": Kind("audit.read", "an identity provider keeps somebody here no more"),
    "user.factor_removed": Kind("audit.read", "somebody has no second factor any more"),
    "user.factor_set": Kind("audit.read", "somebody has a second factor"),
    "user.forgotten": Kind("audit.read", "password, second factor and passkeys of somebody who left are deleted"),
    "user.invited": Kind("audit.read", "somebody was invited"),
    "user.left": Kind("audit.read", "the repository names somebody no more"),
    "user.locked": Kind("audit.read", "somebody was shut out"),
    "user.password_set": Kind("audit.read", "somebody set a password"),
    "user.provisioned": Kind("audit.read", "an identity provider keeps somebody new here"),
    "user.recovered": Kind("audit.read", "a recovery code was used"),
    "user.unlocked": Kind("audit.read", "somebody was let in again"),
    "webhook.disabled": Kind("audit.read", "a webhook took nothing for days, and is sent no more"),
    "webhook.tested": Kind("audit.read", "somebody tries a webhook out"),
}
"""By their name after PREFIX."""


def patterns(text: str) -> tuple[str, ...]:
    """Patterns of types such as `alert.*`, with or without the prefix, between commas. InputInvalid for one that
    fits none."""
    found = tuple(dict.fromkeys(one.strip().removeprefix(PREFIX) for one in text.split(",") if one.strip()))
    if len(found) > MOST_PATTERNS:
        raise InputInvalid(f"more than {MOST_PATTERNS} types are asked for", hint="use patterns, such as device.*")
    for one in found:
        if not _PATTERN.fullmatch(one[:64]) or len(one) > 64 or not any(fnmatchcase(name, one) for name in TYPES):
            hint = did_you_mean(one[:64], TYPES) or "such as alert.fired or device.*"
            raise InputInvalid(f"no event has the type {one[:64]!r}", hint=hint)
    return found


def fits(name: str, wanted: tuple[str, ...]) -> bool:
    """Whether a type, without its prefix, is wanted; without patterns every one is."""
    return not wanted or any(fnmatchcase(name, one) for one in wanted)
