"""Examples for the OpenAPI document, made from its schemas: every request and answer has one that fits. Pure.

A schema's own `examples` win; then what a member of that name usually holds; then the least that fits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import JsonValue

Schemas = Mapping[str, JsonValue]
DEEPEST = 8
TIME = 1_795_000_000_000
DEVICE = "3f2a9c0d4be14c7f8a55e1d09b6c7a21"
REVISION = "9f1c2b7e5d8a4036b1c9e7f2a4d6085c3b1e9f70"
FORMS = (
    REVISION, "4f1a" * 16, DEVICE, "key:ci", "192.0.2.0/24", "customers/acme", "1", "org/roles.yaml", "A" * 43 + "=",
)
USUAL_KEY = "checks.disk.warn"          # of a map that may not be empty
USUAL: Mapping[str, JsonValue] = {
    "actor": "person:ada", "address": "192.0.2.7", "agent_version": "0.1.0", "apiVersion": "guru/v1",
    "applied_revision": REVISION, "author": "Ada", "base": REVISION, "branch": "main", "by": "ada", "channel": "noc",
    "cause": "schedule", "code": "G0404", "command": "uptime", "created_by": "person:ada", "customer": "acme",
    "desired_revision": REVISION, "detail": "nothing has that name", "device": DEVICE, "fingerprint": "SHA256:4f1a",
    "hint": "`guru device list` shows them", "kind": "command", "message": "as it should be", "name": "web1",
    "os": "linux", "path": "checks.disk.warn", "reason": "ticket T-1042", "revision": REVISION, "role": "operator",
    "rule": "org/roles.yaml:14", "scope": "customers/acme", "selector": "@acme,os=linux", "server_version": "0.1.0",
    "site": "hq", "subject": "user:ada", "summary": "disk / is 91% full", "target": REVISION, "tenant": "main",
    "title": "NotFound", "unit": "%", "url": "https://guru.example.com", "verb": "device.read",
}


def example_of(schema: JsonValue, schemas: Schemas, name: str = "", depth: int = 0) -> JsonValue:
    """A value that fits the schema; `schemas` are the document's components."""
    if not isinstance(schema, dict):
        return None
    while isinstance(schema.get("$ref"), str):
        found = schemas.get(str(schema["$ref"]).rpartition("/")[2])
        schema = found if isinstance(found, dict) else {}
    for key in ("examples", "enum"):
        listed = schema.get(key)
        if isinstance(listed, list) and listed:
            return listed[0]
    if "const" in schema:
        return schema["const"]
    ways = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if isinstance(ways, list):
        return _of_ways(ways, schemas, name, depth)
    return _of_type(schema, schemas, name, depth)


def _of_ways(ways: list[JsonValue], schemas: Schemas, name: str, depth: int) -> JsonValue:
    """By the first of them that is not null; null when that goes too deep."""
    nullable = any(isinstance(one, dict) and one.get("type") == "null" for one in ways)
    if nullable and (depth >= DEEPEST or name == "next"):
        return None
    first = next((one for one in ways if not (isinstance(one, dict) and one.get("type") == "null")), None)
    return example_of(first, schemas, name, depth + 1)


def _of_type(schema: Mapping[str, JsonValue], schemas: Schemas, name: str, depth: int) -> JsonValue:
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return _of_object(schema, schemas, depth)
    if kind == "array":
        return _of_array(schema, schemas, name, depth)
    if kind == "string":
        return _of_text(schema, name)
    if kind in ("integer", "number"):
        return _of_number(schema, name)
    return {"boolean": True, "null": None}.get(str(kind), "web1")


def _of_object(schema: Mapping[str, JsonValue], schemas: Schemas, depth: int) -> JsonValue:
    inside, needed = schema.get("properties"), schema.get("required")
    members: dict[str, JsonValue] = {}
    for name, one in (inside.items() if isinstance(inside, dict) else ()):
        if (isinstance(needed, list) and name in needed) or depth < 2:
            members[name] = example_of(one, schemas, name, depth + 1)
    values = schema.get("additionalProperties")
    if not members and schema.get("minProperties"):
        members[USUAL_KEY] = example_of(values, schemas, "", depth + 1) if isinstance(values, dict) else True
    return members


def _of_array(schema: Mapping[str, JsonValue], schemas: Schemas, name: str, depth: int) -> JsonValue:
    fixed = schema.get("prefixItems")
    if isinstance(fixed, list):
        return [example_of(one, schemas, name, depth + 1) for one in fixed]
    least = schema.get("minItems", 0)
    if schema.get("maxItems") == 0 or (depth >= 3 and not least):
        return []
    return [example_of(schema.get("items", {}), schemas, name, depth + 1)] * max(1, int(str(least)))


def _of_text(schema: Mapping[str, JsonValue], name: str) -> JsonValue:
    if "default" in schema and schema["default"] is not None:
        return schema["default"]
    usual = USUAL.get(name, "web1" if name != "id" else DEVICE)
    least, most = int(str(schema.get("minLength", 0))), int(str(schema.get("maxLength", 10_000)))
    text, pattern = str(usual), str(schema.get("pattern", ""))
    if not re.search(pattern, text):
        text = next((one for one in FORMS if re.search(pattern, one)), text)
    return (text + "a" * least)[:most] if len(text) < least else text[:most]


def _of_number(schema: Mapping[str, JsonValue], name: str) -> JsonValue:
    if "default" in schema and schema["default"] is not None:
        return schema["default"]
    least, most = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum")
    if name.endswith("_at") or name in ("at", "since", "until", "last_seen", "now"):
        return TIME
    number = 1 if not isinstance(least, (int, float)) else int(least) + 1
    return number if not isinstance(most, (int, float)) or number <= most else int(most)
