"""What is asked of a decision and what it answers. Plain data; it decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from guru_policy.inventory import Device, Scalar
from guru_policy.objects.scopes import ORG, Scope

SignIn = Literal["person", "token", "key", "device"]
Why = Literal["none", "deny", "unmet", "token"]


class Cap(NamedTuple):
    """What a token may be used for at most, whoever holds it; `verbs` empty: all."""

    verbs: frozenset[str] = frozenset()
    scope: Scope = ORG


class Subject(NamedTuple):
    """Who asks. `names` are as in Bindings: `user:ada`, `group:helpdesk`, `key:ci`. Times are ms UTC."""

    names: frozenset[str]
    sign_in: SignIn = "token"
    mfa_at: int | None = None
    cap: Cap = Cap()


class Target(NamedTuple):
    """A device, or with `labels` None a whole scope, or a device of which only the place is known."""

    scope: Scope
    name: str = ""
    id: str = ""
    labels: Mapping[str, Scalar] | None = None


class Circumstances(NamedTuple):
    """What conditions look at. `devices` is how many of them one act concerns."""

    now: int
    ticket: str = ""
    approved: bool = False
    devices: int = 1
    command_class: str | None = None
    path: str | None = None             # of a file, in its plain form


class RuleRef(NamedTuple):
    """Which rule decided, through which binding, where the rule stands and in which revision."""

    role: str
    rule: str
    binding: str
    at: str                             # org/roles.yaml:14
    revision: str

    def __str__(self) -> str:
        where = f"{self.at}@{self.revision[:12]}" if self.revision else self.at
        return f"rule {self.rule} of role {self.role} by binding {self.binding} ({where})"


class Answer(NamedTuple):
    """About one target: the rule that allows or denies it, or why none allows it."""

    allowed: bool
    rule: RuleRef | None = None
    why: Why | None = None              # None when allowed
    unmet: tuple[str, ...] = ()


class Decision(NamedTuple):
    """About all targets, in their order. Only what is allowed for all of them is allowed."""

    verb: str
    answers: tuple[Answer, ...]

    @property
    def allowed(self) -> bool:
        """Whether it may be done; never when there is nothing to do it to."""
        return bool(self.answers) and all(answer.allowed for answer in self.answers)

    @property
    def refused(self) -> tuple[Answer, ...]:
        """The answers that stand in the way."""
        return tuple(answer for answer in self.answers if not answer.allowed)

    def rules(self) -> tuple[RuleRef, ...]:
        """Every rule that had a say, once each, the first target's first."""
        return tuple(dict.fromkeys(answer.rule for answer in self.answers if answer.rule))

    def told(self) -> str:
        """Why not, in one sentence that names rules and counts and no device; empty when allowed."""
        refused = self.refused
        if not refused:
            return "" if self.answers else "there is nothing that it could be done to"
        counted: dict[str, int] = {}
        for answer in refused:
            reason = _reason(answer)
            counted[reason] = counted.get(reason, 0) + 1
        if len(self.answers) == 1:
            return next(iter(counted))
        return "; ".join(f"{reason}, for {number} of {len(self.answers)}" for reason, number in counted.items())


def _reason(answer: Answer) -> str:
    if answer.why == "deny":
        return f"{answer.rule} denies it"
    if answer.why == "unmet":
        return f"{answer.rule} would allow it, but {' and '.join(answer.unmet)}"
    if answer.why == "token":
        return "the token itself is not for this: " + " and ".join(answer.unmet)
    return "no rule allows it"


def device_target(device: Device, labels: Mapping[str, Scalar] | None) -> Target:
    """A device with its git/ and op/ labels: what the agent says of itself never reaches a decision."""
    kept = None if labels is None else {
        key: value for key, value in labels.items() if key.startswith(("git/", "op/"))
    }
    return Target(Scope("site", device.place.customer, device.place.site), device.name, device.id, kept)
