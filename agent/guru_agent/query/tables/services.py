"""Rows of `services`, as systemctl shows them."""

from __future__ import annotations

from collections.abc import Iterator

from guru_agent.query.programs import heard, lines
from guru_agent.query.rows import Row, Unseen, Wanted

_SHOWN = ("Id", "Description", "SubState", "LoadState", "ActiveState", "UnitFileState", "MainPID", "NRestarts",
          "MemoryCurrent")
AT_ONCE = 200                           # units asked about with one command


def services(wanted: Wanted) -> Iterator[Row]:
    """Every service that is loaded or could be."""
    names = {line.split(maxsplit=1)[0] for line in _units("list-units", "--all") if line.split()}
    names |= {line.split(maxsplit=1)[0] for line in _units("list-unit-files") if line.split()}
    chosen = sorted(name for name in names if name.endswith(".service") and "@." not in name)
    for start in range(0, len(chosen), AT_ONCE):
        shown = heard("systemctl", "show", f"--property={','.join(_SHOWN)}", "--", *chosen[start : start + AT_ONCE])
        yield from read_shown(shown)


def read_shown(text: str) -> Iterator[Row]:
    """The rows of `systemctl show`: blocks of KEY=VALUE, a blank line between them."""
    for block in text.split("\n\n"):
        found = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if not found.get("Id"):
            continue
        yield {
            "name": found["Id"].removesuffix(".service"), "description": found.get("Description"),
            "status": found.get("SubState"), "load_state": found.get("LoadState"),
            "active_state": found.get("ActiveState"), "start_type": found.get("UnitFileState") or None,
            "pid": _number(found.get("MainPID")), "restarts": _number(found.get("NRestarts")),
            "memory": _number(found.get("MemoryCurrent")),
        }


def _units(*what: str) -> Iterator[str]:
    try:
        yield from lines("systemctl", *what, "--type=service", "--plain", "--no-legend", "--no-pager")
    except Unseen as cause:
        raise Unseen(f"services are seen where systemd runs: {cause}") from cause


def _number(text: str | None) -> int | None:
    """systemd writes [not set], or 2^64-1, for what it does not know."""
    return int(text) if text and text.isdigit() and int(text) < 1 << 63 else None
