"""Types, defaults and allowed values of a JSON Schema in words for people. It knows no kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from pydantic import BaseModel, JsonValue
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from guru_policy.quantities import SHAPE
from guru_policy.schema.plainness import Schema

_WORDS = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "nothing",
    "object": "map", "array": "list",
}
_MULTIPLES = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
_BINARY = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B"))


def type_of(schema: Schema, definitions: Mapping[str, JsonValue]) -> str:
    """`duration`, `list of name`, `map by name of map`, `one of a, b`."""
    shape = schema.get(SHAPE)
    if isinstance(shape, str):
        return shape
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return type_of(cast(Schema, definitions[reference.rpartition("/")[2]]), definitions)
    options = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(options, list):
        words = [type_of(cast(Schema, one), definitions) for one in options]
        return " or ".join(dict.fromkeys(word for word in words if word != "nothing"))
    if "const" in schema or "enum" in schema:
        return "word"
    kind = schema.get("type")
    if kind == "array":
        items = schema.get("items")
        return f"list of {type_of(items, definitions)}" if isinstance(items, dict) else "list"
    if kind == "object":
        return _map(schema, definitions)
    return _WORDS.get(kind, "anything") if isinstance(kind, str) else "anything"


def _map(schema: Schema, definitions: Mapping[str, JsonValue]) -> str:
    inner = schema.get("patternProperties") or {"": schema.get("additionalProperties")}
    value = next(iter(inner.values())) if isinstance(inner, dict) else None
    if "properties" in schema or not isinstance(value, dict):
        return "map"
    found = type_of(value, definitions)
    return "map by id" if found in ("map", "map by id", "anything") else f"map of {found}"


def allowed_of(schema: Schema, definitions: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """The only words that may stand there; empty when they cannot be listed."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return allowed_of(cast(Schema, definitions[reference.rpartition("/")[2]]), definitions)
    if "const" in schema:
        return (str(schema["const"]),)
    values = schema.get("enum")
    if isinstance(values, list):
        return tuple(str(value) for value in values)
    inner: list[JsonValue] = [schema.get("items")]
    for key in ("anyOf", "oneOf"):
        options = schema.get(key)
        inner += options if isinstance(options, list) else []
    return tuple(word for one in inner if isinstance(one, dict) for word in allowed_of(one, definitions))


def default_of(field: FieldInfo, schema: Schema) -> str:
    """The default as people write it; empty for none, and for an empty map or list."""
    value = to_jsonable_python(field.get_default(call_default_factory=True), by_alias=True) if not (
        field.is_required() or isinstance(field.default, BaseModel)) else None
    if value is None or value == [] or value == {} or value == "":
        return ""
    return _written(value, _shape(schema))


def _shape(schema: Schema) -> str:
    found = schema.get(SHAPE)
    options = schema.get("anyOf")
    if found is None and isinstance(options, list):
        return next((_shape(one) for one in options if isinstance(one, dict) and _shape(one)), "")
    return str(found or "")


def _written(value: JsonValue, shape: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if shape == "duration":
            return _with_unit(int(value), _MULTIPLES)
        if shape == "size":
            return _with_unit(int(value), _BINARY)
        return f"{value:g}%" if shape == "percent" else f"{value:g}"
    if isinstance(value, list):
        return "[" + ", ".join(_written(entry, shape) for entry in value) + "]"
    return str(value)


def _with_unit(value: int, units: tuple[tuple[int, str], ...]) -> str:
    size, unit = next(((size, unit) for size, unit in units if value and value % size == 0), units[-1])
    return f"{value // size}{unit}"
