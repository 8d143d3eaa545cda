"""pydantic's errors as faults at the very leaf, in our words. It validates, and never changes a value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import UnionType
from typing import Annotated, NamedTuple, Protocol, TypeVar, Union, get_args, get_origin

import orjson
from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from guru_policy.faults import Fault, Origin
from guru_policy.quantities import shown
from guru_policy.text.nodes import Node, deepest
from guru_policy.text.suggesting import did_you_mean

ModelT = TypeVar("ModelT", bound=BaseModel)

_QUOTED = re.compile(r"'([^']*)'")
_WANTED = {
    "string_type": "text", "int_type": "a whole number", "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a map", "model_type": "a map", "list_type": "a list", "tuple_type": "a list",
    "model_attributes_type": "a map", "int_from_float": "a whole number", "frozen_set_type": "a list",
}


class Located(Protocol):
    """Something whose parts have places."""

    def place(self, location: Sequence[str | int], at_key: bool) -> tuple[Origin, int]:
        """The place of the deepest part that `location` leads to, and how many steps led there."""
        ...


class InFile(NamedTuple):
    """A node of one file."""

    node: Node
    path: str

    def place(self, location: Sequence[str | int], at_key: bool) -> tuple[Origin, int]:
        """The node's place, or its key's."""
        found, reached = deepest(self.node, location)
        return (found.key_at(self.path) if at_key else found.at(self.path)), reached


def validated(
    model: type[ModelT], value: JsonValue, located: Located, what: str, *, partial: bool = False
) -> tuple[ModelT | None, list[Fault], list[Fault]]:
    """The model, or the faults: those that stand, and when `partial` those that more fields could mend.

    `what` begins every message and says where we are, such as `spec` or `checks.disk`.
    """
    try:
        return model.model_validate_json(orjson.dumps(value), by_alias=True, by_name=False), [], []
    except ValidationError as cause:
        faults: list[Fault] = []
        missing: list[Fault] = []
        for error in _told_once(cause.errors(include_url=False)):
            late = partial and (error["type"] == "missing" or not error["loc"])
            (missing if late else faults).append(_fault(model, error, located, what))
        return None, faults, missing


def _told_once(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without "too short" for a list or map whose entries are wrong: pydantic counts the good ones only."""
    places = [error["loc"] for error in errors]
    return [
        error for error in errors if error["type"] != "too_short" or not any(
            len(place) > len(error["loc"]) and place[:len(error["loc"])] == error["loc"] for place in places)
    ]


def _fault(model: type[BaseModel], error: ErrorDetails, located: Located, what: str) -> Fault:
    location = [step for step in error["loc"] if step != "[key]"]
    at_key = len(location) != len(error["loc"]) or error["type"] == "extra_forbidden"
    origin, reached = located.place(location, at_key)
    steps = location if error["type"] == "missing" else location[:reached]
    place = ".".join([what, *(f"[{step}]" if isinstance(step, int) else _step(step) for step in steps)])
    message, hint = _sentence(model, error, location)
    return Fault(origin, f"{place.replace('.[', '[')}: {message}", hint)


def _step(step: str) -> str:
    return step if step.isprintable() and len(step) <= 64 else shown(step)


def _sentence(model: type[BaseModel], error: ErrorDetails, location: Sequence[str | int]) -> tuple[str, str]:
    """Message and hint of one error."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind == "guru":
        return str(context["message"]), str(context["hint"])
    if kind == "missing":
        return "is missing", ""
    if kind == "extra_forbidden":
        return "there is no such field", did_you_mean(str(location[-1]), _fields_at(model, location[:-1]))
    if kind in ("literal_error", "enum"):
        allowed = _QUOTED.findall(str(context["expected"]))
        return f"{_value(value)} is not allowed", did_you_mean(str(value), allowed)
    if kind in _WANTED:
        hint = "quote it to mean text" if kind == "string_type" and isinstance(value, int | float) else ""
        return f"must be {_WANTED[kind]}, not {_value(value)}", hint
    if kind in ("too_short", "too_long"):
        bound = "at least" if kind == "too_short" else "at most"
        number = context["min_length" if kind == "too_short" else "max_length"]
        return f"must have {bound} {number} {'entry' if number == 1 else 'entries'}", ""
    if kind == "string_pattern_mismatch":
        return f"{_value(value)} is not well formed", f"it must match {context['pattern']}"
    return str(error["msg"])[:1].lower() + str(error["msg"])[1:], ""


def _value(value: object) -> str:
    if value is None:
        return "nothing"
    return "a map" if isinstance(value, dict) else "a list" if isinstance(value, list) else shown(value)


def _fields_at(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """The names that YAML may use at a place inside the model; nothing when they cannot be known."""
    types: list[object] = [model]
    for step in location:
        inner = [
            field.annotation
            for kind in types if isinstance(kind, type) and issubclass(kind, BaseModel)
            for name, field in kind.model_fields.items() if step in (name, field.alias)
        ]
        inner += [get_args(kind)[-1] for kind in types if get_origin(kind) is dict]
        inner += [get_args(kind)[0] for kind in types if get_origin(kind) in (list, tuple)]
        types = [plain for kind in inner for plain in _alternatives(kind)] or types
    return [
        field.alias or name
        for kind in types if isinstance(kind, type) and issubclass(kind, BaseModel)
        for name, field in kind.model_fields.items()
    ]


def _alternatives(kind: object) -> list[object]:
    """The types of a union, each without its annotations."""
    if get_origin(kind) is Annotated:
        return _alternatives(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [plain for part in get_args(kind) for plain in _alternatives(part)]
    return [kind]
