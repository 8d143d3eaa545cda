"""What may stand where in a document, for people: offline, from the models themselves. It reads no repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, NamedTuple, Union, cast, get_args, get_origin

from pydantic import BaseModel, JsonValue
from pydantic.fields import FieldInfo

from guru_policy.checks import CHECKS
from guru_policy.errors import NotFound
from guru_policy.kinds import KINDS, models_of
from guru_policy.kinds.action_set import ACTIONS, ActionSet, Category
from guru_policy.kinds.base import Metadata
from guru_policy.kinds.policy import Policy
from guru_policy.objects.items import WORDS
from guru_policy.resources import RESOURCES
from guru_policy.schema.plainness import Schema, tidied
from guru_policy.schema.wording import allowed_of, default_of, type_of
from guru_policy.text.suggesting import did_you_mean

DEEPEST = 5                             # levels of fields in one table
TAG = "type"                            # the field that tells the variants of a union apart

Models = tuple[type[BaseModel], ...]


class FieldRow(NamedTuple):
    """One field. `path` is relative to what was asked for; `default` is empty when there is none to tell."""

    path: str
    type: str
    required: bool
    default: str
    allowed: tuple[str, ...]
    description: str


class Described(NamedTuple):
    """A kind, or a field of one. `fields` are what stands below it."""

    path: str
    type: str
    required: bool
    default: str
    allowed: tuple[str, ...]
    description: str
    fields: tuple[FieldRow, ...]


class _Place(NamedTuple):
    """A place in a document: the models that may stand there, and the field that leads to it."""

    models: Models
    row: FieldRow | None
    variants: Mapping[str, type[BaseModel]]     # named by the next step: kinds of checks, types of actions
    by_id: bool                                 # the next step may be an id


def kinds() -> tuple[str, ...]:
    """Every word that a path may begin with."""
    return (*KINDS, *CHECKS, *RESOURCES)


def describe(path: str) -> Described:
    """What stands at `Policy.spec.checks.disk_space.warning`, `disk_space.warning` or `ActionSet`.

    A step for an id may be left out, or be any word. Raises NotFound with the nearest word.
    """
    first, *steps = path.split(".")
    models = _models(first)
    if not models:
        hint = did_you_mean(first, kinds()) or "such as Policy or disk_space"
        raise NotFound(f"there is no kind {first[:64]!a}", hint=hint)
    place = _Place(models, None, {}, False)
    if first in KINDS and steps and steps[0] in ("spec", "metadata"):
        if steps[0] == "metadata":
            place = _Place((Metadata,), None, {}, False)
        del steps[0]
    for number, step in enumerate(steps):
        there = _step(place, step)
        if there is None:
            so_far = ".".join(path.split(".")[:number - len(steps)])
            words = [*_names(place.models), *place.variants]
            raise NotFound(f"there is no field {step[:64]!a} in {so_far}", hint=did_you_mean(step, words))
        place = there
    fields = (*rows(place.models), *(
        FieldRow(name, "map", False, "", (), _summary(model)) for name, model in place.variants.items()
    ))
    if place.row is not None:
        return Described(path, *place.row[1:], fields)
    return Described(path, "map", False, "", (), _summary(place.models[0]), fields)


def _summary(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").partition("\n\n")[0].split())


def rows(models: Models, depth: int = DEEPEST) -> Iterator[FieldRow]:
    """Every field and, with dotted paths, every field below it; `*` stands for any id."""
    told: set[str] = set()
    for model in models:
        for row in _own(model):
            if row.path in told:
                continue
            told.add(row.path)
            yield _of_variants(row, models) if len(models) > 1 else row
            if depth > 1:
                place = _step(_Place((model,), None, {}, False), row.path)
                if place is not None and place.models and not place.variants:
                    prefix = f"{row.path}.*" if place.by_id else row.path
                    for inner in rows(place.models, depth - 1):
                        yield inner._replace(path=f"{prefix}.{inner.path}")


def _of_variants(row: FieldRow, models: Models) -> FieldRow:
    """A field of one variant or more, as it looks among all of them."""
    having = [model for model in models if row.path in _names((model,))]
    if row.path == TAG:
        return row._replace(
            required=True, default="", allowed=tuple(_tag(model) for model in models),
            description="what it is; each has fields of its own",
        )
    if len(having) == len(models):
        return row
    words = ", ".join(_tag(model) for model in having)
    return row._replace(required=False, description=f"{words}: {row.description}")


def _tag(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields[TAG].annotation)[0])


def _models(word: str) -> Models:
    if word in KINDS:
        return models_of(word)
    found = CHECKS.get(word) or RESOURCES.get(word)
    return (found,) if found is not None else ()


def _own(model: type[BaseModel]) -> Iterator[FieldRow]:
    """The fields of one model."""
    schema = tidied(cast(Schema, model.model_json_schema(by_alias=True)))
    properties = cast(dict[str, Schema], schema.get("properties", {}))
    definitions = cast(dict[str, JsonValue], schema.get("$defs", {}))
    for name, field in model.model_fields.items():
        alias = field.alias or name
        entry = properties[alias]
        yield FieldRow(
            alias, type_of(entry, definitions), field.is_required(), default_of(field, entry),
            allowed_of(entry, definitions), field.description or "",
        )


def _names(models: Models) -> list[str]:
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def _step(place: _Place, step: str) -> _Place | None:
    """One step further; an id is passed over."""
    if step in place.variants:
        return _Place((place.variants[step],), None, {}, False)
    for model in place.models:
        for name, field in model.model_fields.items():
            if step == (field.alias or name):
                row = next(row for row in _own(model) if row.path == step)
                return _below(model, name, field, row)
    if place.by_id:
        return place._replace(by_id=False)
    return None


def _below(model: type[BaseModel], name: str, field: FieldInfo, row: FieldRow) -> _Place:
    """What stands below a field. Raw maps that layers complete are named here."""
    if model is Policy and name in ("checks", "resources"):
        registry = cast(Mapping[str, type[BaseModel]], CHECKS if name == "checks" else RESOURCES)
        return _Place((WORDS["checks" if name == "checks" else "resources"],), row, registry, True)
    if model is ActionSet and name == "categories":
        return _Place((Category,), row, {}, True)
    if model is ActionSet and name == "actions":
        return _Place(tuple(ACTIONS.values()), row, {}, True)
    found, by_id = _inside(field.annotation)
    return _Place(found, row, {}, by_id)


def _inside(annotation: object) -> tuple[Models, bool]:
    """The models within an annotation, and whether an id or a number leads to them."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and origin is None and issubclass(annotation, BaseModel):
        return (annotation,), False
    if origin is Annotated:
        return _inside(inner[0])
    if origin is dict:
        return _inside(inner[1])[0], True
    if origin is tuple:
        return _inside(inner[0])[0], True
    if origin in (Union, UnionType):
        parts = [_inside(part) for part in inner]
        return tuple(model for models, _ in parts for model in models), any(by_id for _, by_id in parts)
    return (), False
