"""A query that devices ask themselves again and again, and whose answer is kept. It asks nothing."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from guru_policy.kinds.base import SelectorText, Spec
from guru_policy.model import wrong
from guru_policy.quantities import PositiveDuration

_READS = re.compile(r"\s*(select|with|values)\b", re.IGNORECASE)


def _reads(text: str) -> str:
    if not _READS.match(text):
        raise wrong("a query is one SELECT", hint="such as: select name, version from packages")
    return text


Sql = Annotated[str, StringConstraints(min_length=1, max_length=16 << 10), AfterValidator(_reads)]


class Query(Spec):
    """Asks its devices `sql` at every interval; what changed is told, and the server keeps it."""

    sql: Sql = Field(description="one SELECT over the [tables](../tables.md) of a device, as SQLite speaks it")
    every: Annotated[PositiveDuration, Field(ge=60, le=7 * 86_400)] = Field(
        default=3600, description="how often a device looks, a minute at least; each begins at a time of its own")
    results: Literal["differential", "snapshot"] = Field(
        default="differential", description="`differential`: rows that come and go are kept as a history and told as "
                                            "events; `snapshot`: only the newest rows are kept")
    timeout: Annotated[PositiveDuration, Field(le=120)] = Field(
        default=30, description="a look that takes longer is ended")
    selector: SelectorText = Field(default="", description="only devices that match")
