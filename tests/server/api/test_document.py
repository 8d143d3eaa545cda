"""The OpenAPI document: whole for every route by construction, true in its examples, and never taken back unsaid."""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import gurucli
from guru_server.api.page import POLICY, written
from tests.server.conftest import Api
from tools.api_changes import breaking
from tools.api_page import made

ROOT = Path(__file__).resolve().parents[3]
SPEC = made()
OPERATIONS = [(way, path, said) for path, ways in SPEC["paths"].items() for way, said in ways.items()]
NAMES = [f"{way.upper()} {path}" for way, path, _ in OPERATIONS]
LITERAL = re.compile(r"^/[a-z][a-z-]*(?:/|$)")
NO_PATHS = {"/etc", "/var", "/usr", "/run", "/dev", "/proc", "/tmp", "/bin", "/opt"}


@pytest.mark.parametrize(("way", "path", "said"), OPERATIONS, ids=NAMES)
def test_an_operation_says_all_there_is_to_say(way: str, path: str, said: dict[str, Any]) -> None:
    bodies = [*([said["requestBody"]] if "requestBody" in said else []),
              *(one for code, one in said["responses"].items() if code.startswith("2"))]

    assert said["summary"]
    assert said["description"], "give the handler a docstring"
    assert said["tags"], "give the router tags"
    assert all("description" in one for one in said.get("parameters", ()))
    assert {"400", "default"} <= said["responses"].keys()
    for body in bodies:
        for content in body.get("content", {}).values():
            assert "example" in content
            schema = {**content["schema"], "components": SPEC["components"]}
            Draft202012Validator(schema).validate(content["example"])


@pytest.mark.parametrize(("way", "path", "said"), OPERATIONS, ids=NAMES)
def test_no_number_of_a_query_is_larger_than_a_database_takes(way: str, path: str, said: dict[str, Any]) -> None:
    schemas = [one["schema"] for one in said.get("parameters", ())]
    numbers = [one for schema in schemas for one in (schema, *schema.get("anyOf", ())) if one.get("type") == "integer"]

    assert all(abs(one["maximum"]) < 1 << 63 for one in numbers), "say Query(le=...)"


def test_the_document_itself_fits_openapi() -> None:
    assert SPEC["openapi"].startswith("3.1")
    assert {tag["name"] for tag in SPEC["tags"]} == {tag for _, _, said in OPERATIONS for tag in said["tags"]}
    ids = [said["operationId"] for _, _, said in OPERATIONS]
    assert len(set(ids)) == len(ids)


def calls() -> Iterator[tuple[str, str]]:
    """Every path that a file of gurucli names in a call, with {} for what is put in."""
    for file in sorted(Path(gurucli.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr not in ("get", "post", "delete", "pages", "call"):
                continue
            for argument in node.args:
                text = _text(argument)
                if LITERAL.match(text) and "/" + text.split("/")[1] not in NO_PATHS:
                    yield file.stem, text


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
    return ""


def test_whatever_a_verb_of_the_command_line_asks_is_in_the_document() -> None:
    known = {re.sub(r"{[^}]+}", "{}", path.removeprefix("/api/v1")) for _, path, _ in OPERATIONS}
    known.add("/sessions/current")              # a session by that name: /sessions/{ref}
    asked = dict[str, set[str]]()
    for verb, path in calls():
        asked.setdefault(re.sub(r"({})+", "{}", path.partition("?")[0]), set()).add(verb)

    assert len(asked) >= 25
    assert {path: verbs for path, verbs in asked.items() if path not in known} == {}


async def test_the_page_for_people_loads_nothing(api: Api) -> None:
    answer = await api.http.get("/docs", headers={"authorization": ""})

    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == POLICY
    rest = re.sub(r"<pre>.*?</pre>", "", answer.text, flags=re.S)
    assert not re.search(r"<script|https?://|src=|@import|url\(", rest)
    assert "/api/v1/whoami" in answer.text


def test_the_page_shows_text_as_text() -> None:
    spec = {"info": {"title": "<b>x</b>", "version": "1"}, "tags": [], "paths": {}}

    assert "<b>x</b>" not in written(spec)      # type: ignore[arg-type]


def test_the_committed_document_is_not_taken_back_unsaid() -> None:
    committed = json.loads((ROOT / "docs/api/openapi.json").read_text())
    told = list((ROOT / "changes").glob("*.removal.md"))

    assert told or breaking(committed, SPEC) == [], "keep it, or add changes/<slug>.removal.md: see docs/api.md"


def _gone(spec: dict[str, Any]) -> None:
    del spec["paths"]["/api/v1/whoami"]


def _member(spec: dict[str, Any]) -> None:
    del spec["components"]["schemas"]["WhoAmI"]["properties"]["tenant"]


def _narrow(spec: dict[str, Any]) -> None:
    spec["components"]["schemas"]["JobRequest"]["properties"]["run_as"]["enum"].remove("user")


def _needed(spec: dict[str, Any]) -> None:
    spec["components"]["schemas"]["LabelChange"]["required"].append("set")


def _type(spec: dict[str, Any]) -> None:
    spec["components"]["schemas"]["WhoAmI"]["properties"]["name"]["type"] = "integer"


@pytest.mark.parametrize(("change", "said"), [
    (_gone, "GET /api/v1/whoami is gone"), (_member, "the member tenant is gone"),
    (_narrow, "the value user is taken no more"), (_needed, "the member set is needed now"),
    (_type, "integer is answered now"),
])
def test_what_is_taken_away_is_named(change: Any, said: str) -> None:
    newer = copy.deepcopy(SPEC)
    change(newer)

    assert any(said in line for line in breaking(SPEC, newer))
    assert breaking(SPEC, SPEC) == []


def test_what_is_added_breaks_nobody() -> None:
    newer = copy.deepcopy(SPEC)
    newer["components"]["schemas"]["WhoAmI"]["properties"]["new"] = {"type": "string"}
    newer["components"]["schemas"]["LabelChange"]["properties"]["new"] = {"type": "string"}
    newer["paths"]["/api/v1/new"] = newer["paths"]["/api/v1/whoami"]

    assert breaking(SPEC, newer) == []
