"""Rows of `containers`, of Docker and Podman."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from guru_agent.query.programs import has, heard
from guru_agent.query.rows import Row, Unseen, Wanted


def containers(wanted: Wanted) -> Iterator[Row]:
    """Of each program that the device has."""
    missing = []
    for program in ("docker", "podman"):
        if has(program):
            try:
                said = heard(program, "ps", "--all", "--no-trunc", "--format", "{{json .}}")
            except Unseen as cause:
                missing.append(str(cause))
                continue
            yield from read_ps(said, program)
    if missing:
        raise Unseen("; ".join(missing))


def read_ps(text: str, program: str) -> Iterator[Row]:
    """A JSON object a line; Docker writes one name as text and Podman a list, and their letters differ in size."""
    for line in text.splitlines():
        found = {key.lower(): value for key, value in orjson.loads(line).items()}
        names, command = found.get("names") or "", found.get("command")
        yield {
            "id": str(found.get("id", ""))[:12], "name": str(names[0] if isinstance(names, list) else names),
            "image": found.get("image"),
            "command": " ".join(command) if isinstance(command, list) else str(command or "").strip('"'),
            "state": found.get("state"), "status": found.get("status"),
            "created": str(found.get("createdat") or found.get("created") or ""), "program": program,
        }
