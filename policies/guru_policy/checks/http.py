"""Whether a web address answers as it should. Looks and judges; changes nothing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from guru_policy.checks.base import Check
from guru_policy.checks.thresholds import above, below, verdict
from guru_policy.host import Host, HttpAnswer
from guru_policy.machine_names import OneLine
from guru_policy.quantities import PositiveDuration
from guru_policy.verdict import State, Verdict

BODY_LIMIT = 256 * 1024                 # bytes that `contains` is looked for in


class Http(Check):
    """One GET from the device, without following redirects."""

    kind: Literal["http"] = "http"
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00-\x1f]{1,2000}$")]
    status: tuple[Annotated[int, Field(ge=100, le=599)], ...] = (200,)
    contains: OneLine | None = None
    timeout: PositiveDuration = 10
    warning: PositiveDuration | None = None                     # seconds until the answer was there
    verify: bool = True                                         # the server's certificate
    certificate_warning: Annotated[int, Field(ge=0)] = 30       # days until the certificate ends
    certificate_critical: Annotated[int, Field(ge=0)] = 7

    async def sample(self, host: Host) -> Verdict:
        """Seconds until the answer was there; critical when it is not the answer wanted."""
        answer = await host.get(self.url, timeout=float(self.timeout), limit=BODY_LIMIT, verify=self.verify)
        if answer is None:
            return verdict(State.critical, f"{self.url} does not answer within {self.timeout} s")
        if answer.status not in self.status:
            return verdict(State.critical, f"{self.url} answers {answer.status}", answer.elapsed, "s")
        if self.contains is not None and self.contains.encode() not in answer.body:
            message = f"{self.url} answers without {self.contains!r}"
            return verdict(State.critical, message, answer.elapsed, "s")
        return self._timely(answer)

    def _timely(self, answer: HttpAnswer) -> Verdict:
        days = answer.certificate_days
        if days is not None:
            ending = below(days, self.certificate_warning, self.certificate_critical)
            if ending is not State.ok:
                return verdict(ending, f"the certificate of {self.url} ends in {days:.0f} days", days, "d")
        state = above(answer.elapsed, self.warning, None)
        message = f"{self.url} {answer.status} in {answer.elapsed * 1000:.0f} ms"
        return verdict(state, message, answer.elapsed, "s")
