"""The base of every model people write or wires carry: frozen, strict, closed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Immutable; an unknown field is an error, and values are never coerced between types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class Carried(BaseModel):
    """Immutable, and lenient about fields it does not know: messages of a newer LANGUAGE add fields."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)
