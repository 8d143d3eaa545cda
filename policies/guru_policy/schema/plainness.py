"""pydantic's JSON Schemas made fit for editors and other validators: draft 2020-12, ECMA patterns. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast

from pydantic import JsonValue

Schema: TypeAlias = dict[str, JsonValue]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
REMOVE: Schema = {
    "type": "object", "properties": {"$remove": {"const": True}}, "required": ["$remove"],
    "additionalProperties": False, "description": "takes away what is inherited",
}
REPLACE: Schema = {"const": True, "description": "begins the map anew: nothing in it is inherited"}


def tidied(schema: Schema) -> Schema:
    """Without pydantic's titles of fields; patterns end with `$`; a map by pattern takes no other key."""
    found: Schema = {}
    for key, value in schema.items():
        if key == "properties" and isinstance(value, dict):
            found[key] = {name: _untitled(cast(Schema, entry)) for name, entry in value.items()}
        elif key == "patternProperties" and isinstance(value, dict):
            found[key] = {_ecma(name): tidied(cast(Schema, entry)) for name, entry in value.items()}
            found.setdefault("additionalProperties", False)
        elif key == "pattern" and isinstance(value, str):
            found[key] = _ecma(value)
        elif key in ("default", "const", "enum", "examples"):
            found[key] = value
        else:
            found[key] = _tidied(value)
    return found


def _untitled(schema: Schema) -> Schema:
    return tidied({key: value for key, value in schema.items() if key != "title"})


def _tidied(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return tidied(value)
    return [_tidied(entry) for entry in value] if isinstance(value, list) else value


def _ecma(pattern: str) -> str:
    return pattern.replace(r"\z", "$").replace(r"\Z", "$")


def layer(schema: Schema, definitions: Mapping[str, JsonValue]) -> Schema:
    """What one layer may write of a map: any of its fields, any of them taken away, or all of it anew."""
    schema = resolved(schema, definitions)
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
    fields: Schema = {
        name: {"anyOf": [_layer_of_field(cast(Schema, entry), definitions), REMOVE]}
        for name, entry in properties.items()
    }
    kept = {key: value for key, value in schema.items() if key not in ("required", "properties")}
    return {**kept, "properties": {**fields, "$replace": REPLACE}}


def _layer_of_field(schema: Schema, definitions: Mapping[str, JsonValue]) -> Schema:
    """A field that is a map itself is a layer too; of an optional one, the part that is no null."""
    options = schema.get("anyOf")
    if "$ref" in schema:
        return layer(schema, definitions)
    if isinstance(options, list) and any(isinstance(one, dict) and "$ref" in one for one in options):
        return {**schema, "anyOf": [layer(cast(Schema, one), definitions) for one in options]}
    return schema


def resolved(schema: Schema, definitions: Mapping[str, JsonValue]) -> Schema:
    """The schema, its own or the one that it refers to, with what it says beside the reference."""
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    target = cast(Schema, definitions[reference.rpartition("/")[2]])
    return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}


def layered_map(names: str, entries: list[Schema], description: JsonValue) -> Schema:
    """A map by id that layers complete: each entry is one of these, or takes away what is inherited."""
    return {
        "type": "object", "description": description, "properties": {"$replace": REPLACE},
        "patternProperties": {names: {"anyOf": [*entries, REMOVE]}}, "additionalProperties": False,
    }
