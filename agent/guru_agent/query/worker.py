"""The process that answers one query: the request comes on standard input, the parts go to standard output.

It runs apart from the agent so that a hanging disk, a hungry query or a fault in a library ends it alone. It speaks the
messages of guru_wire.querying without its models, which take longer to import than most queries to run.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO

import orjson

from guru_agent.query.engine import Limits, run
from guru_agent.query.rows import Value
from guru_agent.query.tables import ROWS
from guru_policy.errors import GuruError

ADDRESS_SPACE = 1 << 30                 # bytes
BATCH, BATCH_BYTES = 500, 256 << 10     # rows and bytes of one part


def main(root: str = "") -> int:
    """Answer the query on standard input; the exit code is 0 also when the answer is that it failed."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    query = orjson.loads(sys.stdin.buffer.read())
    limits = query["limits"]
    answer(query["sql"], Limits(limits["rows"], limits["bytes"], limits["seconds"]), sys.stdout.buffer, root=root)
    return 0


def answer(sql: str, limits: Limits, out: BinaryIO, *, root: str = "") -> None:
    """Write the parts of the answer, a JSON object a line."""
    started = time.monotonic()
    try:
        result = run(sql, ROWS, limits, root=root)
        _say(out, {"t": "columns", "columns": result.columns})
        count, cut = _rows(result.rows, limits, out)
    except GuruError as error:
        _say(out, {"t": "failed", "code": error.code, "message": error.message, "hint": error.hint})
        return
    took = round((time.monotonic() - started) * 1000)
    _say(out, {"t": "end", "count": count, "cut": cut, "notes": result.notes, "milliseconds": took})


def _rows(rows: Iterator[tuple[Value, ...]], limits: Limits, out: BinaryIO) -> tuple[int, str]:
    """Write the rows, as many as the limits allow: how many those were, and which limit cut the rest off."""
    count, size, held, cut = 0, 0, 0, ""
    batch: list[bytes] = []
    for row in rows:
        line = orjson.dumps(row)
        cut = "rows" if count == limits.rows else "bytes" if size + len(line) > limits.bytes else ""
        if cut:
            break
        count, size, held = count + 1, size + len(line), held + len(line)
        batch.append(line)
        if len(batch) >= BATCH or held >= BATCH_BYTES:
            _flush(out, batch)
            held = 0
    _flush(out, batch)
    return count, cut


def _flush(out: BinaryIO, batch: list[bytes]) -> None:
    if batch:
        out.write(b'{"t":"rows","rows":[' + b",".join(batch) + b"]}\n")
        out.flush()
        batch.clear()


def _say(out: BinaryIO, part: dict[str, object]) -> None:
    out.write(orjson.dumps(part) + b"\n")
    out.flush()
