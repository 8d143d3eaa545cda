"""Whether a web address answers as it should, in time, with a certificate that lasts. It changes nothing."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from guru_policy.checks.base import Check
from guru_policy.checks.judging import above, ascending, below, verdict, worst
from guru_policy.host import Host, HttpAnswer
from guru_policy.machine import Line
from guru_policy.model import wrong
from guru_policy.quantities import PositiveDuration, shown
from guru_policy.verdict import State, Verdict

BODY = 1 << 20                          # bytes that `contains` looks through


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as cause:
        raise wrong(f"{shown(value)} is not a URL") from cause
    if not fine or not value.isascii() or " " in value:
        raise wrong(f"{shown(value)} is not a URL", hint="write http://host/path or https://host/path")
    if parts.username is not None or parts.password is not None:
        raise wrong("a URL in a policy carries no user and no password")
    return value


def _statuses(value: object) -> object:
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


Url = Annotated[Line, AfterValidator(_url), StringConstraints(max_length=2000)]
Status = Annotated[int, Field(ge=100, le=599)]
Statuses = Annotated[
    tuple[Status, ...], Field(strict=False, min_length=1, max_length=50),
    BeforeValidator(_statuses, json_schema_input_type=Status | tuple[Status, ...]),
]


class Http(Check):
    """One GET without following redirects. The value is the time until the answer, in milliseconds."""

    kind: Literal["http"] = "http"
    url: Url = Field(description="http or https, no password in it")
    expect: Statuses = Field(default=(200,), description="status codes that are fine")
    contains: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = Field(
        default=None, description="text that must be in the first MiB")
    timeout: Annotated[PositiveDuration, Field(le=60)] = Field(
        default=10, description="how long to wait for the answer")
    warning_ms: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="milliseconds until the answer")
    critical_ms: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="milliseconds until the answer")
    verify: bool = Field(default=True, description="the certificate must be trusted")
    certificate_warning: Annotated[int, Field(ge=0)] = Field(
        default=30, description="days that the certificate is still good")
    certificate_critical: Annotated[int, Field(ge=0)] = Field(
        default=7, description="days that the certificate is still good")

    @model_validator(mode="after")
    def _in_order(self) -> Http:
        if self.certificate_critical > self.certificate_warning:
            raise wrong("`certificateCritical` is more days than `certificateWarning`", hint="exchange them")
        ascending(self.warning_ms, self.critical_ms)
        return self

    async def sample(self, host: Host) -> Verdict:
        answer = await host.get(self.url, timeout=float(self.timeout), limit=BODY, verify=self.verify)
        if answer is None:
            return verdict(State.critical, f"{self.url} does not answer within {self.timeout} s")
        states, remarks = self._judge(answer)
        elapsed = answer.elapsed * 1000
        message = ", ".join([f"{answer.status} in {elapsed:.0f} ms", *remarks])
        return verdict(worst(*states), message, elapsed, "ms")

    def _judge(self, answer: HttpAnswer) -> tuple[list[State], list[str]]:
        states, remarks = [above(answer.elapsed * 1000, self.warning_ms, self.critical_ms)], []
        if answer.status not in self.expect:
            states.append(State.critical)
            remarks.append("wanted " + " or ".join(map(str, self.expect)))
        if self.contains is not None and self.contains.encode() not in answer.body:
            states.append(State.critical)
            remarks.append("the text is not in the page")
        if answer.certificate_days is not None:
            days = answer.certificate_days
            state = below(days, self.certificate_warning, self.certificate_critical)
            states.append(state)
            if state is not State.ok:
                remarks.append(f"certificate ends in {days:.0f} days")
        return states, remarks
