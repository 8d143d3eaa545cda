"""JSON Schemas of the language, made from its models: one a kind, and one of all. It writes no file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from pydantic import BaseModel, JsonValue
from pydantic.json_schema import models_json_schema

from guru_policy.checks import CHECKS
from guru_policy.kinds import KINDS, models_of
from guru_policy.kinds.action_set import ACTIONS, Category
from guru_policy.kinds.base import API_VERSION, Metadata
from guru_policy.objects.items import WORDS, Section
from guru_policy.quantities import LABEL_PATTERN
from guru_policy.resources import RESOURCES
from guru_policy.schema.plainness import DRAFT, REPLACE, Schema, layer, layered_map, resolved, tidied

ALL = "guru"
_Mode = Literal["validation"]


def schemas() -> dict[str, Schema]:
    """File name without ending to schema: `Policy`, `ActionSet` ..., and `guru` for documents of any kind."""
    models: list[tuple[type[BaseModel], _Mode]] = [(Metadata, "validation")]
    for kind in KINDS:
        models += [(model, "validation") for model in models_of(kind)]
    for registry in (CHECKS, RESOURCES, ACTIONS):
        models += [(model, "validation") for model in cast(Mapping[str, type[BaseModel]], registry).values()]
    models += [(model, "validation") for model in (*WORDS.values(), Category)]
    references, generated = models_json_schema(models, by_alias=True)
    definitions = tidied(cast(Schema, generated["$defs"]))
    of: dict[type[BaseModel], Schema] = {
        model: reference for (model, _), reference in references.items() if issubclass(model, BaseModel)
    }
    documents = {kind: _document(kind, of, definitions) for kind in KINDS}
    found = {kind: _closed({"$schema": DRAFT, **document}, definitions) for kind, document in documents.items()}
    found[ALL] = _combined(documents, definitions)
    return found


def _document(kind: str, of: Mapping[type[BaseModel], Schema], definitions: Schema) -> Schema:
    """The four words around every object, and the spec of this kind."""
    models = models_of(kind)
    specs = [_spec(kind, of[model], of, definitions) for model in models]
    spec: Schema = specs[0] if len(specs) == 1 else {"anyOf": list[JsonValue](specs)}
    needed = all(resolved(of[model], definitions).get("required") for model in models)
    return {
        "title": kind, "description": (models[0].__doc__ or "").partition("\n\n")[0], "type": "object",
        "properties": {
            "apiVersion": {"const": API_VERSION, "description": f"always {API_VERSION}"},
            "kind": {"const": kind, "description": "the kind of object"},
            "metadata": of[Metadata],
            "spec": spec,
        },
        "required": ["apiVersion", "kind", "metadata", *(["spec"] if needed else [])],
        "additionalProperties": False,
    }


def _spec(kind: str, reference: Schema, of: Mapping[type[BaseModel], Schema], definitions: Schema) -> Schema:
    """The spec's schema; of kinds that layers complete, what one layer may write."""
    if kind not in ("Policy", "ActionSet", "Branding"):
        return reference
    whole = resolved(reference, definitions)
    fields = dict(cast(dict[str, Schema], whole["properties"]))
    if kind == "Branding":
        whole = layer(whole, definitions)
        around = {name: fields[name] for name in ("selector", "enforced")}
        return {**whole, "properties": {**cast(Schema, whole["properties"]), **around}}
    if kind == "Policy":
        fields["agent"] = layer(fields["agent"], definitions)
        for section, registry in (("checks", CHECKS), ("resources", RESOURCES)):
            entries = _items(cast(Section, section), cast(Mapping[str, type[BaseModel]], registry), of, definitions)
            fields[section] = layered_map(LABEL_PATTERN, entries, fields[section]["description"])
    else:
        category = layer(of[Category], definitions)
        fields["categories"] = layered_map(LABEL_PATTERN, [category], fields["categories"]["description"])
        entries = _variants("type", {}, ACTIONS, of, definitions)
        fields["actions"] = layered_map(LABEL_PATTERN, entries, fields["actions"]["description"])
    return {**whole, "properties": cast(Schema, fields)}


def _items(
    section: Section, registry: Mapping[str, type[BaseModel]], of: Mapping[type[BaseModel], Schema],
    definitions: Schema,
) -> list[Schema]:
    """An entry of each kind with the words around it, and one that leaves the kind to another layer."""
    words = cast(Schema, layer(of[WORDS[section]], definitions)["properties"])
    return _variants("kind", words, registry, of, definitions)


def _variants(
    tag: str, words: Schema, registry: Mapping[str, type[BaseModel]], of: Mapping[type[BaseModel], Schema],
    definitions: Schema,
) -> list[Schema]:
    found: list[Schema] = []
    every: Schema = {}
    for name, model in registry.items():
        whole = layer(of[model], definitions)
        fields = {**cast(Schema, whole["properties"]), **words}
        for field in fields:
            every[field] = True
        found.append({
            **whole, "title": name, "properties": {**fields, tag: {"const": name}}, "required": [tag],
        })
    without: Schema = {
        "title": f"without {tag}", "type": "object", "additionalProperties": False,
        "description": f"fields of an inherited entry; its {tag} is that of the layer that began it",
        "properties": {**{key: value for key, value in every.items() if key != tag}, "$replace": REPLACE},
    }
    return [*found, without]


def _combined(documents: Mapping[str, Schema], definitions: Schema) -> Schema:
    """One schema for every document: `kind` says which of them it is."""
    rules: list[JsonValue] = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {"$ref": f"#/$defs/{kind}.document"},
        }
        for kind in documents
    ]
    own: Schema = {f"{kind}.document": document for kind, document in documents.items()}
    return _closed(
        {
            "$schema": DRAFT, "title": "A document of a fleet repository", "type": "object",
            "properties": {
                "apiVersion": {"const": API_VERSION}, "kind": {"enum": list[JsonValue](documents)},
            },
            "required": ["apiVersion", "kind", "metadata"], "allOf": rules,
        },
        definitions, own,
    )


def _closed(schema: Schema, definitions: Schema, own: Schema | None = None) -> Schema:
    """The schema with the definitions that it needs, and no others."""
    kept: Schema = dict(own or {})
    waiting: list[JsonValue] = [schema, *kept.values()]
    while waiting:
        for name in _references(waiting.pop()):
            if name not in kept:
                kept[name] = definitions[name]
                waiting.append(definitions[name])
    return {**schema, "$defs": {name: kept[name] for name in sorted(kept)}} if kept else schema


def _references(value: JsonValue) -> set[str]:
    if isinstance(value, dict):
        reference = value.get("$ref")
        own = {reference.rpartition("/")[2]} if isinstance(reference, str) else set()
        return own | {name for entry in value.values() for name in _references(entry)}
    return {name for entry in value for name in _references(entry)} if isinstance(value, list) else set()
