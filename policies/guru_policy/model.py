"""The base of every model people write or wires carry: frozen, strict, closed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Frozen(BaseModel):
    """Immutable; an unknown field is an error, and values are never coerced between types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class Carried(BaseModel):
    """Immutable, and lenient about fields it does not know: messages of a newer LANGUAGE add fields."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


def wrong(message: str, *, hint: str = "") -> PydanticCustomError:
    """What a validator raises: `message` and `hint` reach the person as a Fault at the value's place."""
    return PydanticCustomError("guru", "{message}", {"message": message, "hint": hint})
