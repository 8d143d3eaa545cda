"""How a revision or an agent version reaches the fleet batch by batch. It moves nothing itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from guru_policy.kinds.base import SelectorText, Spec
from guru_policy.machine import Line
from guru_policy.model import wrong
from guru_policy.quantities import Duration, ItemId, Percent, PositiveDuration, read_percent, shape, shown

_PAIRS = {")": "(", "]": "[", "}": "{"}


def _amount(value: int | str) -> int | str:
    if isinstance(value, str):
        if read_percent(value) <= 0:
            raise wrong(f"{shown(value)} is nothing", hint="write 10% or a number of devices")
    elif value < 1:
        raise wrong(f"{shown(value)} is not a number of devices", hint="write 10% or a number above 0")
    return value


def _expression(text: str) -> str:
    """Refuses what no parser could take: open brackets and quotes. CEL itself is the server's."""
    waiting: list[str] = []
    quote = ""
    for mark in text:
        if quote:
            quote = "" if mark == quote else quote
        elif mark in "'\"":
            quote = mark
        elif mark in _PAIRS.values():
            waiting.append(mark)
        elif mark in _PAIRS and (not waiting or waiting.pop() != _PAIRS[mark]):
            raise wrong(f"a {shown(mark)} closes nothing")
    if quote or waiting:
        raise wrong(f"{shown(quote or waiting[-1])} is never closed")
    return text


Share = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3}(\.[0-9]+)?%$")]
Amount = Annotated[int | Share, AfterValidator(_amount), shape("number or percent")]
"""A number of devices, or a share such as `10%`."""

Expression = Annotated[
    Line, StringConstraints(min_length=1, max_length=1000), AfterValidator(_expression), shape("CEL expression"),
]
"""A CEL expression over telemetry; the server compiles it."""


class Batch(Spec):
    """One ring: it has to be well for `soak` before the next begins."""

    selector: SelectorText = Field(default="", description="only devices that match, and are in no earlier batch")
    limit: Amount | None = Field(default=None, description="at most so many of them, or such a share (`10%`)")
    soak: Duration = Field(default=0, description="how long it has to be well before the next batch begins")


class DisruptionBudget(Spec):
    """How much of a place may be updating at once."""

    group_by: Literal["site", "customer"] = Field(default="site", description="what the budget is counted over")
    max_unavailable: Amount = Field(description="devices, or a share of them (`20%`)")


class Analysis(Spec):
    """A question to telemetry; true is well."""

    expression: Expression = Field(description="a CEL expression; true: well, false: a failed reading")
    every: PositiveDuration = Field(default=300, description="how often it is asked during a batch")
    failures: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="so many failed readings fail the batch")
    no_data: Literal["inconclusive", "failure"] = Field(
        default="inconclusive", description="what a reading without data counts as; `inconclusive` pauses")
    dry_run: bool = Field(default=False, description="only shown, decides nothing")


class Rollout(Spec):
    """Batches in the order in which they are written; devices of no batch come last of all."""

    applies: tuple[Literal["policy", "agent"], ...] = Field(
        default=("policy",), min_length=1, description="what it moves: revisions of this repository, agent versions")
    channel: ItemId | None = Field(
        default=None, description="with `agent`: the channel whose newest AgentRelease is moved")
    batches: dict[ItemId, Batch] = Field(min_length=1, max_length=50, description="by id, in the order written")
    success_threshold: Percent = Field(
        default=97.0, description="the share of a batch's devices seen lately that must be well")
    disruption_budget: DisruptionBudget | None = Field(default=None, description="how much may be updating at once")
    deadline: PositiveDuration = Field(default=172_800, description="a batch that takes longer has failed")
    analysis: dict[ItemId, Analysis] = Field(
        default_factory=dict, max_length=20, description="by id: what is asked of telemetry in every batch")
    on_failure: Literal["rollback", "pause"] = Field(
        default="rollback", description="`rollback` goes back and holds the revision; `pause` waits for a person")

    @model_validator(mode="after")
    def _channel_with_agents(self) -> Rollout:
        if ("agent" in self.applies) != (self.channel is not None):
            raise wrong("`channel` and applies: [agent] belong together")
        open_ended = [name for name, batch in self.batches.items() if batch.limit is None and not batch.selector]
        if open_ended and open_ended[0] != list(self.batches)[-1]:
            raise wrong(f"batch {shown(open_ended[0])} takes every device, and batches follow it",
                        hint="give it a selector or a limit, or put it last")
        return self
