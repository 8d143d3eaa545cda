"""The OpenAPI document as this API really is: by construction for every route, whoever adds it. Pure.

Problems instead of FastAPI's 422, who needs a token, a summary from the docstring, an example for every body,
and the headers that the layers around the routes understand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from guru_server.api.examples import example_of
from guru_wire.operator import Problem

Map = dict[str, JsonValue]
_FRAMEWORKS = ("HTTPValidationError", "ValidationError")
ABOUT = (
    "The API of GuruRMM. Every answer is an object with apiVersion; errors are application/problem+json (RFC 9457) "
    "with a code. Lists are pages: follow `next`, or `Link: rel=next`. docs/api.md tells what may change within v1."
)
PROBLEMS: Mapping[str, str] = {
    "400": "The request makes no sense: the detail names the field",
    "401": "There is no token, or it ended",
    "403": "The token may not do this",
    "404": "Nothing that you may see has that name",
    "409": "It is not as this change wants it, or the same request is being worked on",
    "429": "Too many requests: Retry-After says when",
}
TAGS: Mapping[str, str] = {
    "server": "Health of the server", "devices": "The devices of the fleet", "jobs": "Commands, queries and scripts",
    "alerts": "Alerts, notifications and maintenance windows", "audit": "The audit log", "identity": "Who asks",
    "enrolment": "How devices join", "events": "What happens, as a stream and to webhooks",
    "rights": "Who may do what, and API keys", "telemetry": "Samples over time",
    "transfers": "Files of any size, in chunks",
    "overrides": "Values by hand", "secrets": "Whom to encrypt secrets for", "webhooks": "Words from Git hosts",
}


def mended(document: Mapping[str, JsonValue], prefix: str, public: Sequence[re.Pattern[str]]) -> Map:
    """A document of FastAPI's, completed; bearer tokens everywhere but for the `public` paths."""
    paths, components = dict(_map(document["paths"])), dict(_map(document.get("components", {})))
    schemas = {name: one for name, one in _map(components.get("schemas", {})).items() if name not in _FRAMEWORKS}
    told = Problem.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    schemas = {**schemas, **told.pop("$defs", {}), "Problem": told}
    tags: set[str] = set()
    for path, ways in paths.items():
        is_open = any(pattern.fullmatch(path.removeprefix(prefix)) for pattern in public)
        paths[path] = {
            way: _operation(way, path, _map(operation), schemas, is_open) for way, operation in _map(ways).items()
        }
        for operation in _map(paths[path]).values():
            tags.update(map(str, _list(_map(operation).get("tags"))))
    components["schemas"] = schemas
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    components["responses"] = {_name(code): _problem(code, text, schemas) for code, text in PROBLEMS.items()}
    info = {**_map(document["info"]), "description": ABOUT, "summary": "The API of GuruRMM"}
    return {
        **document, "info": info, "paths": paths, "components": components,
        "tags": [{"name": tag, "description": TAGS.get(tag, f"About {tag}")} for tag in sorted(tags)],
    }


def _operation(way: str, path: str, operation: Mapping[str, JsonValue], schemas: Map, is_open: bool) -> Map:
    answers: Map = {
        code: _with_example(_map(one), schemas) for code, one in _map(operation["responses"]).items() if code != "422"
    }
    codes = ["400"] if is_open else ["400", "401", "403", "429"]
    codes += ["404"] if "{" in path else []
    codes += ["409"] if way != "get" else []
    own = {code for code in answers if code >= "400"}           # a route that answers in its own way says so itself
    answers.update({code: {"$ref": f"#/components/responses/{_name(code)}"} for code in sorted({*codes} - own)})
    if way == "get" and not is_open:
        answers["304"] = {"description": "The answer is still the one of If-None-Match"}
    answers["default"] = {
        "description": "What went wrong (RFC 9457)",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    text = " ".join(str(operation.get("description", "")).split())
    said: Map = {**operation, "responses": answers, "description": text or str(operation.get("summary", ""))}
    said["summary"] = re.split(r"[.:;](?:\s|$)", text, maxsplit=1)[0][:120] or operation.get("summary", "")
    if "requestBody" in said:
        said["requestBody"] = _with_example(_map(said["requestBody"]), schemas)
    extra = [] if is_open else _headers(way)
    parameters: list[JsonValue] = [*map(_bounded, _list(operation.get("parameters"))), *extra]
    if parameters:
        said["parameters"] = parameters
    return said if is_open else {**said, "security": [{"token": []}]}


def _headers(way: str) -> list[JsonValue]:
    """What the layers around a guarded route read."""
    if way == "get":
        return [_header("If-None-Match", "An ETag that you have: answered with 304 while it is still right", 1000)]
    if way == "post":
        schema: Map = {"type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[!-~]+$"}
        text = "A random text: the same request with the same key is carried out once, and answered the same for a day"
        return [{"name": "Idempotency-Key", "in": "header", "required": False, "description": text, "schema": schema}]
    return []


def _header(name: str, text: str, most: int) -> JsonValue:
    return {
        "name": name, "in": "header", "required": False, "description": text,
        "schema": {"type": "string", "maxLength": most},
    }


def _bounded(parameter: JsonValue) -> JsonValue:
    """A parameter with a word about it, if its route has none."""
    said = _map(parameter)
    if "description" in said:
        return said
    return {**said, "description": f"{str(said.get('name', '')).replace('_', ' ')}".capitalize()}


def _with_example(part: Mapping[str, JsonValue], schemas: Map) -> Map:
    """A request body or answer whose contents have an example each."""
    contents: Map = {}
    for kind, content in _map(part.get("content")).items():
        inside = _map(content)
        made = inside if {"example", "examples"} & inside.keys() or not inside.get("schema") else {
            **inside, "example": example_of(inside["schema"], schemas)
        }
        contents[kind] = made
    return {**part, "content": contents} if contents else dict(part)


def _problem(code: str, text: str, schemas: Map) -> JsonValue:
    example = {**_map(example_of(schemas["Problem"], schemas)), "status": int(code), "faults": []}
    content: Map = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    return {"description": text, "content": {"application/problem+json": content}}


def _name(code: str) -> str:
    return f"Problem{code}"


def _map(value: JsonValue) -> Map:
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
