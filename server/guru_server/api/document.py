"""The OpenAPI document as this API really is: problems instead of FastAPI's 422, and who needs a token. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from guru_wire.operator import Problem

_FRAMEWORKS = ("HTTPValidationError", "ValidationError")
_PROBLEM: dict[str, JsonValue] = {
    "description": "What went wrong (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def mended(
    document: Mapping[str, JsonValue], prefix: str, public: Sequence[re.Pattern[str]]
) -> dict[str, JsonValue]:
    """A document of FastAPI's with those answers and with bearer tokens, but for the `public` paths."""
    paths, components = dict(_map(document["paths"])), dict(_map(document.get("components", {})))
    for path, ways in paths.items():
        is_open = any(pattern.fullmatch(path.removeprefix(prefix)) for pattern in public)
        paths[path] = {way: _operation(_map(operation), is_open) for way, operation in _map(ways).items()}
    schemas = {name: one for name, one in _map(components.get("schemas", {})).items() if name not in _FRAMEWORKS}
    told = Problem.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    components["schemas"] = {**schemas, **told.pop("$defs", {}), "Problem": told}
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return {**document, "paths": paths, "components": components}


def _operation(operation: Mapping[str, JsonValue], is_open: bool) -> dict[str, JsonValue]:
    answers = {code: one for code, one in _map(operation["responses"]).items() if code != "422"}
    said: dict[str, JsonValue] = {**operation, "responses": {**answers, "default": _PROBLEM}}
    return said if is_open else {**said, "security": [{"token": []}]}


def _map(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}
