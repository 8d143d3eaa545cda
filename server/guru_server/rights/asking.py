"""What one request's sender may do: handlers ask here, and what is refused is kept for the audit log.

A handler asks `sight` for what is about devices and `require_scope` for what is about a place. What somebody may not
read is told like what does not exist.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

from fastapi import Depends, Request
from sqlalchemy import Connection

from guru_policy.access.asking import Circumstances, Decision, Subject, Target, device_target
from guru_policy.access.deciding import EVERYTHING, Reach, anywhere, decide, files_of
from guru_policy.access.grants import Grants
from guru_policy.access.rulebook import Rulebook
from guru_policy.errors import Refused
from guru_policy.file_rules import FileRules
from guru_policy.inventory import Device, Place, Scalar
from guru_policy.objects.scopes import ORG, Scope
from guru_server.audit.log import record

Known = Callable[[Device], Mapping[str, Scalar] | None]
Labels = Callable[[], Awaitable[Known]]             # all labels of a device now; None when not all are known
LOOKS = frozenset({
    "alert.read", "audit.read", "device.read", "policy.plan", "policy.read", "query.run", "report.read", "server.read",
    "ticket.read", "update.plan",
})
"""Verbs that change nothing: allowing one is no news."""


class Refusal(NamedTuple):
    """One thing that was refused: what, why, and by which rule."""

    about: str
    why: str
    rule: str = ""


class Agreed(NamedTuple):
    """What somebody else has agreed to: these targets and nothing else."""

    id: str
    digest: str
    by: str


class Wanting(NamedTuple):
    """What was refused only because nobody else has agreed to it; with `role` only its holders may."""

    verb: str
    about: str
    targets: tuple[Target, ...]
    command_class: str | None
    role: str = ""

    @property
    def digest(self) -> str:
        """Of what an approval is for."""
        return digest_of(self.verb, self.targets, self.command_class)


def digest_of(verb: str, targets: Sequence[Target], command_class: str | None) -> str:
    """sha256 hex of what is done and to which targets, in whatever order."""
    named = sorted([str(one.scope), one.id] for one in targets)
    return hashlib.sha256(json.dumps([verb, command_class, named]).encode()).hexdigest()


def ruled(decision: Decision) -> dict[str, str]:
    """The rules of a decision and the revision that they are of, as the audit log keeps them beside a deed."""
    rules = decision.rules()
    named = [f"{one.role}/{one.rule} by {one.binding} ({one.at})" for one in rules]
    return {"rule": "; ".join(named), "revision": rules[0].revision if rules else ""}


@dataclass(slots=True)
class Rights:
    """Of whoever sent the request. `asked` tells the gate that the handler has had its decision."""

    actor: str                          # person:ada, key:ci
    subject: Subject
    grants: Grants
    book: Rulebook
    around: Circumstances
    labels: Labels
    whence: Mapping[str, str] = field(default_factory=dict)             # of Deed: request, address
    agreed: Agreed | None = None
    wanting: Wanting | None = None
    asked: bool = False
    refusals: list[Refusal] = field(default_factory=list)

    async def sight(self, verb: str) -> Sight:
        """Which devices the verb is allowed for; labels are read only when a rule looks at them."""
        self.asked = True
        reach = Reach(self.subject, verb, self.grants, self.around)
        by_labels = not reach.whole or any(rule.selector.requirements for rule in self.grants.about(verb))
        return Sight(self, verb, reach, await self.labels() if by_labels else _nothing)

    def decide(self, verb: str, targets: Sequence[Target], *, command_class: str | None = None) -> Decision:
        """The decision, without any consequence."""
        return decide(self.subject, verb, targets, self.grants, self._around(verb, targets, command_class))

    def files(self, verb: str, target: Target) -> FileRules:
        """Which files of a device the verb is for; it decides nothing."""
        return files_of(self.subject, verb, target, self.grants, self._around(verb, [target], None))

    def _around(self, verb: str, targets: Sequence[Target], command_class: str | None) -> Circumstances:
        agreed = self.agreed is not None and self.agreed.digest == digest_of(verb, targets, command_class)
        return self.around._replace(devices=len(targets), command_class=command_class,
                                    approved=agreed or self.around.approved)

    def require(
        self, connection: Connection | None, verb: str, targets: Sequence[Target], about: str, *,
        command_class: str | None = None, said: str = "",
    ) -> Decision:
        """Return when all of it is allowed; Refused, with rules and counts and no names, when not.

        What is allowed and changes something is noted in the transaction of the change itself.
        """
        self.asked = True
        decision = self.decide(verb, targets, command_class=command_class)
        if not decision.allowed:
            self._want(Wanting(verb, said or about, tuple(targets), command_class))
            raise self.refused(verb, about, decision)
        if connection is not None and verb not in LOOKS:
            rules = "; ".join(str(rule) for rule in decision.rules())
            ticket = f", ticket {self.around.ticket}" if self.around.ticket else ""
            record(connection, self.around.now, self.actor, "Allowed", f"{verb} {about}", f"{rules}{ticket}",
                   **ruled(decision), **self.whence)
        return decision

    def require_anywhere(self, verb: str) -> None:
        """Return when a rule allows the verb on anything at all; Refused when none does. It decides about no device."""
        self.asked = True
        if not anywhere(self.subject, verb, self.grants):
            raise self.refused(verb, "anywhere", self.decide(verb, [EVERYTHING]))

    def require_second(
        self, verb: str, targets: Sequence[Target], role: str, said: str, *, command_class: str | None = None
    ) -> None:
        """Return when a holder of the role has agreed to all of it; Refused when not, or when it may not be done."""
        wanted = Wanting(verb, said, tuple(targets), command_class, role)
        if self.agreed is not None and self.agreed.digest == wanted.digest:
            return
        self._want(wanted)
        if self.wanting is None:
            self.require(None, verb, targets, said, command_class=command_class)
        raise Refused(f"{said} needs the approval of somebody with the role {role}")

    def _want(self, wanted: Wanting) -> None:
        """Keep it when the approval is all that is missing."""
        if self.wanting is None and self.agreed is None:
            around = self.around._replace(
                devices=len(wanted.targets), command_class=wanted.command_class, approved=True)
            if decide(self.subject, wanted.verb, wanted.targets, self.grants, around).allowed:
                self.wanting = wanted

    def require_scope(self, connection: Connection | None, verb: str, scope: Scope = ORG) -> Decision:
        """The same about a whole customer, site or the organisation."""
        return self.require(connection, verb, [EVERYTHING if scope == ORG else Target(scope)], str(scope))

    def refused(self, verb: str, about: str, decision: Decision) -> Refused:
        """The error, noted for the audit log."""
        why = decision.told()
        self.refusals.append(Refusal(f"{verb} {about}", why, _in_the_way(decision)))
        spoken = self.actor.removeprefix("person:")
        hint = f"`guru can {verb}` shows what you may"
        if any("second factor" in words for one in decision.refused for words in one.unmet):
            hint = "show your second factor, then again: `guru mfa verify` (a session of `guru login` has one)"
        return Refused(f"{spoken} may not do this ({verb}): {why}", hint=hint)

    def hidden(self, verb: str, about: str) -> None:
        """Note that something was asked for that the sender may not even see."""
        self.refusals.append(Refusal(f"{verb} {about}", "it is out of sight"))


class Sight:
    """Devices and places through the eyes of one sender, for one verb."""

    def __init__(self, rights: Rights, verb: str, reach: Reach, labels: Known) -> None:
        self._rights, self._verb, self._reach, self._labels = rights, verb, reach, labels
        self.whole = reach.whole

    def sees(self, device: Device) -> bool:
        """Whether the verb is allowed for the device."""
        return self._reach.sees(device, self._labels)

    def sees_at(self, place: Place, device: Device | None) -> bool:
        """Whether what happened at a place is in sight; of a device that is gone (None) only the place decides."""
        here = self.place(*place)
        return here if here is not None else device is not None and self.sees(device)

    @property
    def book(self) -> Rulebook:
        """The rulebook in force."""
        return self._rights.book

    def place(self, customer: str, site: str = "") -> bool | None:
        """For all of a customer or site: yes, no, or None when its devices differ."""
        return True if self.whole else self._reach.place(customer, site)

    def touches(self, customer: str) -> bool:
        """Whether the customer is known to the sender at all."""
        return self._reach.touches(customer)

    def hidden(self, about: str) -> None:
        """Note that something out of sight was asked for."""
        self._rights.hidden(self._verb, about)

    def decide(self, devices: Sequence[Device], *, command_class: str | None = None) -> Decision:
        """The decision about these devices, without any consequence."""
        return self._rights.decide(self._verb, self._targets(devices), command_class=command_class)

    def require(
        self, connection: Connection | None, devices: Sequence[Device], about: str, *,
        command_class: str | None = None, gone: Sequence[Device] = (), said: str = "",
    ) -> Decision:
        """Return when the verb is allowed for every one of these devices; Refused when not.

        Of devices that are `gone` only the place is known.
        """
        targets = [*self._targets(devices), *(device_target(one, None) for one in gone)]
        return self._rights.require(connection, self._verb, targets, about, command_class=command_class, said=said)

    def require_second(self, devices: Sequence[Device], role: str, said: str, *, command_class: str) -> None:
        """Return when a holder of the role has agreed to it on these devices; Refused when not."""
        self._rights.require_second(self._verb, self._targets(devices), role, said, command_class=command_class)

    def files(self, device: Device) -> FileRules:
        """Which of the device's files the verb is for."""
        return self._rights.files(self._verb, *self._targets([device]))

    def _targets(self, devices: Sequence[Device]) -> list[Target]:
        return [device_target(one, self._labels(one)) for one in devices]


def _in_the_way(decision: Decision) -> str:
    return next((f"{one.rule.role}/{one.rule.rule} by {one.rule.binding}" for one in decision.refused if one.rule), "")


def _nothing(_: Device) -> None:
    return None


async def rights_of(request: Request) -> Rights:
    """A dependency for guarded routes: what the sender may do."""
    rights: Rights = request.state.rights
    return rights


Asking = Annotated[Rights, Depends(rights_of)]
