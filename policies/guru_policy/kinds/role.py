"""What somebody may do, and under which conditions. It names nobody and decides nothing itself."""

from __future__ import annotations

import re
import warnings
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from guru_policy.file_rules import FilePattern
from guru_policy.kinds.base import DisplayName, SelectorText, Spec
from guru_policy.model import wrong
from guru_policy.quantities import ItemId, PositiveDuration, shape, shown
from guru_policy.selector import parse
from guru_policy.text.suggesting import did_you_mean
from guru_policy.when import Timezone

VERBS = (
    "access.break_glass", "alert.act", "alert.read", "approval.give", "audit.read", "command.run", "device.approve",
    "device.enroll", "device.label", "device.read", "device.revoke", "file.get", "file.put", "forward.open",
    "override.set", "policy.apply", "policy.plan", "policy.read", "query.run", "report.read", "rollout.act",
    "secret.read", "secret.write", "server.read", "shell.join", "shell.open", "ticket.read", "ticket.write",
    "update.approve", "update.halt", "update.plan", "user.manage", "user.provision",
)
"""Everything that can be allowed or denied."""

_NOUNS = sorted({verb.partition(".")[0] for verb in VERBS})


def _verb(text: str) -> str:
    if text != "*" and text not in VERBS and not (text.endswith(".*") and text[:-2] in _NOUNS):
        raise wrong(f"{shown(text)} is not a verb", hint=did_you_mean(text, VERBS) or "such as device.read or alert.*")
    return text


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


def _ticket_pattern(text: str) -> str:
    """Nothing in it can be made to take long: no groups, and few repetitions."""
    if re.search(r"[()|\\]", text) or len(re.findall(r"[*+?{]", text)) > MOST_REPEATED:
        raise wrong(f"{shown(text)} has groups or more than {MOST_REPEATED} repetitions", hint="such as T-[0-9]+")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(text)
    except (re.error, OverflowError, Warning) as cause:
        raise wrong(f"{shown(text)} is no pattern", hint="such as T-[0-9]+") from cause
    return text


TicketPattern = Annotated[str, StringConstraints(min_length=1, max_length=80), AfterValidator(_ticket_pattern)]
MOST_REPEATED = 3

Verb = Annotated[str, AfterValidator(_verb), shape("verb")]
"""A verb such as `device.read`, all of a noun (`alert.*`), or `*`."""


class RuleWindow(Spec):
    """Hours of the week; `until` is the first moment outside. One before `since` goes past midnight."""

    days: tuple[Day, ...] = Field(
        default=DAYS, min_length=1, max_length=7, description="the days on which it opens")
    since: TimeOfDay = Field(description="when it opens, such as `08:00`")
    until: TimeOfDay = Field(description="when it closes; before `since`: on the next day")
    timezone: Timezone = Field(default="UTC", description="the zone of the hours")


class RuleConditions(Spec):
    """All of them have to hold; who does not meet them is not allowed."""

    mfa_within: PositiveDuration | None = Field(
        default=None, description="a second factor was shown within this time")
    ticket: bool = Field(default=False, description="a ticket has to be named")
    ticket_pattern: TicketPattern | None = Field(
        default=None, description="what the whole ticket looks like, such as `T-[0-9]+`")
    window: RuleWindow | None = Field(default=None, description="only at these hours")
    approval: bool = Field(default=False, description="somebody else has to agree, never the person themselves")
    max_devices: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="at most so many devices in one go")


class RoleRule(Spec):
    """Verbs on some devices."""

    effect: Literal["allow", "deny"] = Field(default="allow", description="`deny` wins over every `allow`")
    verbs: tuple[Verb, ...] = Field(
        min_length=1, max_length=100, description="such as `device.read`, `alert.*` or `*`")
    classes: tuple[ItemId, ...] = Field(
        default=(), max_length=100, description="for `command.run`: only CommandTemplates of these classes")
    paths: tuple[FilePattern, ...] = Field(
        default=(), max_length=100, description="for `file.*`: only these files and folders, such as `/var/log/**`")
    selector: SelectorText = Field(
        default="", description="only devices that match; by `git/` and `op/` labels, customer, site and name only")
    conditions: RuleConditions = Field(default=RuleConditions(), description="what else has to hold, to allow")

    @model_validator(mode="after")
    def _denies_without_conditions(self) -> Self:
        if self.effect == "deny" and self.conditions != RuleConditions():
            raise wrong("a rule that denies has no conditions: it denies whatever else holds",
                        hint="put the conditions on the rule that allows")
        return self

    @model_validator(mode="after")
    def _paths_of_files(self) -> Self:
        if self.paths and not all(verb.startswith("file.") for verb in self.verbs):
            raise wrong("a rule with `paths` has verbs about files alone",
                        hint="put the others into a rule of their own")
        return self

    @field_validator("selector")
    @classmethod
    def _never_by_facts(cls, text: str) -> str:
        if parse(text).uses_facts:
            raise wrong(
                "a role cannot be decided by a label that the agent reports: it can lie",
                hint="write the namespace, git/ or op/, in front of the label",
            )
        return text


class Role(Spec):
    """Rules by id. What no rule allows is refused."""

    display_name: DisplayName | None = Field(default=None, description="a name for people")
    break_glass: bool = Field(
        default=False, description="kept for emergencies: whoever has `access.break_glass` may take it for a while")
    rules: dict[ItemId, RoleRule] = Field(min_length=1, max_length=100, description="by id; their order means nothing")

    @field_validator("rules")
    @classmethod
    def _classes_of_commands(cls, rules: dict[str, RoleRule]) -> dict[str, RoleRule]:
        for name, rule in rules.items():
            if rule.classes and not {"command.run", "command.*", "*"} & set(rule.verbs):
                raise wrong(f"rule {shown(name)} has `classes` and no verb that runs commands",
                            hint="add command.run, or take `classes` out")
        return rules
