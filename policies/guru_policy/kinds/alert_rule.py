"""When a check's verdict becomes an alert, and whom to tell. It decides nothing itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from guru_policy.kinds.base import SelectorText, Spec
from guru_policy.model import wrong
from guru_policy.quantities import Duration, ItemId, shown
from guru_policy.text.suggesting import did_you_mean

PLACEHOLDERS = ("device", "customer", "site", "check", "value", "message")
_BRACES = re.compile(r"\{([^{}]*)\}")

Severity = Literal["info", "low", "medium", "high", "critical"]


def _template(text: str) -> str:
    for word in _BRACES.findall(text):
        if word not in PLACEHOLDERS:
            hint = did_you_mean(word, PLACEHOLDERS)
            raise wrong(f"{shown('{' + word + '}')} is not a placeholder", hint=hint)
    if set(_BRACES.sub("", text)) & {"{", "}"}:
        raise wrong("a brace stands alone", hint="placeholders look like {device}")
    return text


class AlertRule(Spec):
    """Fires when a check is in `state` or worse for as long as `for`; keeps firing `keepFiring` after."""

    selector: SelectorText = Field(default="", description="only the devices that match")
    check: Annotated[str, StringConstraints(pattern=r"^[a-z0-9*?-]{1,63}$")] = Field(
        description="the id of a check, or a pattern such as `disk*`")
    state: Literal["warning", "critical"] = Field(
        default="critical", description="at least this; `unknown` fires nothing")
    lasting: Duration = Field(default=0, alias="for", description="how long it must last before the alert fires")
    keep_firing: Duration = Field(default=0, description="how long it must be over before the alert resolves")
    severity: Severity = Field(default="medium", description="how grave the alert is")
    notify: tuple[ItemId, ...] = Field(default=(), description="NotificationChannels, up the scope chain")
    summary: Annotated[
        str, StringConstraints(min_length=1, max_length=500), AfterValidator(_template)
    ] = Field(
        default="{device}: {check}: {message}",
        description="one line; `{device}`, `{customer}`, `{site}`, `{check}`, `{value}` and `{message}` are filled in")

    def summarize(self, values: Mapping[str, str]) -> str:
        """The summary with its placeholders filled in; what a value holds is never filled in again."""
        return _BRACES.sub(lambda found: values.get(found[1], ""), self.summary)
