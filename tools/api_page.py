"""Writes docs/api/: the OpenAPI document of this program and a reference made from it. It starts no server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from guru_server.api.page import example_in, grouped
from guru_server.describing import document
from guru_server.settings import ServerSettings

HEAD = """# The API, operation by operation

Written by `make docs` from the OpenAPI document of the server, which stands in [openapi.json](openapi.json).
[docs/api.md](../api.md) tells what holds for all of them: tokens, errors, pages, keys, limits and what may change.
"""
LIMIT = 60                              # lines of an example that are shown


def made() -> dict[str, Any]:
    """The document. Paths below the data folder and keys do not appear in it."""
    return document(ServerSettings(data=Path("/var/lib/guru-server")))


def text(spec: dict[str, Any]) -> str:
    """It as a file: sorted, so that a change shows as what it is."""
    return json.dumps(spec, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def page(spec: dict[str, Any]) -> str:
    """The reference."""
    parts = [HEAD]
    for tag, about, rows in grouped(spec):
        parts.append(f"\n## {tag.capitalize()}\n\n{about}.\n")
        parts += [_operation(way, path, said) for way, path, said in rows]
    return "".join(parts)


def _operation(way: str, path: str, said: dict[str, Any]) -> str:
    lines = [f"\n### {way} {path}\n", f"{said['description']}\n"]
    named = [one for one in said.get("parameters", ()) if one["in"] != "header"]
    if named:
        lines.append("| parameter | in | what |\n| --- | --- | --- |\n" + "".join(
            f"| `{one['name']}` | {one['in']} | {one.get('description', '')} |\n" for one in named
        ))
    if sent := example_in(said.get("requestBody")):
        lines.append(f"Send:\n\n```text\n{_short(sent)}\n```\n")
    for code, answer in said["responses"].items():
        shown = example_in(answer) if code.startswith("2") else ""
        if shown:
            lines.append(f"Answer {code}:\n\n```text\n{_short(shown)}\n```\n")
    return "\n".join(lines)


def _short(example: str) -> str:
    lines = example.splitlines()
    return "\n".join(lines if len(lines) <= LIMIT else [*lines[:LIMIT], "..."])
