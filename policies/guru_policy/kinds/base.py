"""The words every kind shares: metadata, and text that is checked when it is read. It holds no kind."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from guru_policy.errors import InputInvalid
from guru_policy.inventory import Scalar
from guru_policy.model import Frozen, wrong
from guru_policy.quantities import ItemId, shape, shown
from guru_policy.selector import parse
from guru_policy.selector_grammar import is_label_key

API_VERSION = "guru/v1"


class Spec(Frozen):
    """The base of every spec: fields are camelCase in YAML."""

    model_config = ConfigDict(alias_generator=to_camel)


def _names(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _selector(text: str) -> str:
    try:
        parse(text)
    except InputInvalid as cause:
        raise wrong(cause.message, hint=cause.hint) from cause
    return text


def _label_key(key: str) -> str:
    if not is_label_key(key):
        raise wrong(
            f"{shown(key)} cannot name a label",
            hint="letters, digits, `.`, `_`, `-`; no namespace; not name, customer, site, id or group",
        )
    return key


SelectorText = Annotated[str, AfterValidator(_selector), shape("selector")]
"""A selector (`guru_policy.selector`), kept as written."""

LabelKey = Annotated[str, AfterValidator(_label_key)]
DisplayName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Metadata(Spec):
    """Name, labels (the device's `git/` labels come from them), and the names it had before."""

    name: ItemId = Field(description="its name, unique among its kind in its scope")
    labels: dict[LabelKey, Scalar] = Field(
        default_factory=dict, description="labels without namespace; of Customer, Site and a device's own Policy "
                                          "they are the device's `git/` labels")
    renamed_from: Annotated[
        tuple[ItemId, ...], BeforeValidator(_names, json_schema_input_type=ItemId | tuple[ItemId, ...])
    ] = Field(default=(), description="names it had before, one or a list: so that a rename is no deletion")
