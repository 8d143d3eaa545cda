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

    selector: SelectorText = ""
    check: Annotated[str, StringConstraints(pattern=r"^[a-z0-9*?-]{1,63}$")]     # an id, or a glob over ids
    state: Literal["warning", "critical"] = "critical"
    lasting: Duration = Field(default=0, alias="for")
    keep_firing: Duration = 0
    severity: Severity = "medium"
    notify: tuple[ItemId, ...] = ()
    summary: Annotated[
        str, StringConstraints(min_length=1, max_length=500), AfterValidator(_template)
    ] = "{device}: {check}: {message}"

    def summarize(self, values: Mapping[str, str]) -> str:
        """The summary with its placeholders filled in; what a value holds is never filled in again."""
        return _BRACES.sub(lambda found: values.get(found[1], ""), self.summary)
