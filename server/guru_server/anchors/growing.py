"""Whether an anchor may grow by these checkpoints: never when it knows of more than the log does. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from guru_policy.errors import InputInvalid, Refused
from guru_wire.audit_chain import Checkpoint, read_line


def refuse_shorter(known: Iterable[str], new: Sequence[Checkpoint]) -> None:
    """Return when the newest of these lines is of before `new`; Refused when the log lost or changed rows since."""
    for line in known:
        try:
            there = read_line(line)
        except InputInvalid:
            continue                    # words of people, and a line that was cut off
        if there.tenant != new[0].tenant:
            continue
        other = there.seq == new[-1].seq and there.hash != new[-1].hash
        if there.seq > new[-1].seq or other:
            raise Refused(
                f"the anchor holds row {there.seq} of the audit log, which is not the log's any more",
                hint="was the database restored? `guru audit verify --anchor FILE` tells which rows are missing",
            )
