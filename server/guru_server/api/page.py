"""The OpenAPI document as one page for people, without scripts and without anything from elsewhere. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape

from pydantic import JsonValue

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "code,pre{font:14px/1.4 ui-monospace,monospace}pre{background:#f4f4f4;padding:.6rem;overflow:auto}"
    "summary{cursor:pointer;padding:.3rem 0}b{display:inline-block;min-width:4.5rem}td{padding:0 1rem 0 0}"
)
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'; base-uri 'none'"


def written(document: Mapping[str, JsonValue]) -> str:
    """The page."""
    info = _map(document["info"])
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{_text(info["title"])}</title>',
        f"<style>{STYLE}</style><h1>{_text(info['title'])} {_text(info['version'])}</h1>",
        f"<p>{_text(info.get('description', ''))}</p>",
        '<p>The same for machines: <a href="openapi.json">openapi.json</a>.',
    ]
    for tag, about, rows in grouped(document):
        parts.append(f"<h2>{_text(tag)}</h2><p>{_text(about)}</p>")
        parts += [_operation(way, path, said) for way, path, said in rows]
    return "\n".join(parts)


def grouped(document: Mapping[str, JsonValue]) -> list[tuple[str, str, list[tuple[str, str, dict[str, JsonValue]]]]]:
    """Tags with their description and their operations, each as method, path and what is said of it."""
    tags = document.get("tags")
    found: list[tuple[str, str, list[tuple[str, str, dict[str, JsonValue]]]]] = []
    for tag in tags if isinstance(tags, list) else []:
        name = str(_map(tag)["name"])
        rows = [
            (way.upper(), path, _map(said)) for path, ways in _map(document["paths"]).items()
            for way, said in _map(ways).items() if name in str(_map(said).get("tags"))
        ]
        found.append((name, str(_map(tag).get("description", "")), rows))
    return found


def example_in(part: JsonValue) -> str:
    """The JSON of the first example of a body or answer; empty without one."""
    for content in _map(_map(part).get("content")).values():
        if "example" in _map(content):
            return json.dumps(_map(content)["example"], indent=2)
    return ""


def _operation(way: str, path: str, said: Mapping[str, JsonValue]) -> str:
    parts = [f"<details><summary><b>{way}</b><code>{_text(path)}</code> {_text(said.get('summary', ''))}</summary>"]
    parts.append(f"<p>{_text(said.get('description', ''))}</p>")
    parameters = said.get("parameters")
    if isinstance(parameters, list) and parameters:
        rows = (
            f"<tr><td><code>{_text(_map(one).get('name'))}</code><td>{_text(_map(one).get('in'))}"
            f"<td>{_text(_map(one).get('description'))}" for one in parameters
        )
        parts.append("<table>" + "".join(rows) + "</table>")
    if sent := example_in(said.get("requestBody")):
        parts.append(f"<p>Send</p><pre>{_text(sent)}</pre>")
    for code, answer in _map(said.get("responses")).items():
        if shown := example_in(answer):
            parts.append(f"<p>Answer {_text(code)}</p><pre>{_text(shown)}</pre>")
    return "".join(parts) + "</details>"


def _text(value: JsonValue) -> str:
    return escape(str(value if value is not None else ""))


def _map(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}
