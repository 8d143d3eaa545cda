"""The base of every model people write or wires carry: frozen, strict, closed.

`defer_build`: what checks a model's values is made when the first one comes, under pydantic's own lock. Nobody
uses all kinds: it saves an agent 2.7 MB, and every command the time to build what it does not use.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Frozen(BaseModel):
    """Immutable; an unknown field is an error, and values are never coerced between types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True, defer_build=True)


class Carried(BaseModel):
    """Immutable, and lenient about fields it does not know: messages of a newer LANGUAGE add fields."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, defer_build=True)


class Asked(Carried):
    """The body of a request to the API. Built at once: FastAPI has no way to defer one without a warning for each."""

    model_config = ConfigDict(defer_build=False)


def wrong(message: str, *, hint: str = "") -> PydanticCustomError:
    """What a validator raises: `message` and `hint` reach the person as a Fault at the value's place."""
    return PydanticCustomError("guru", "{message}", {"message": message, "hint": hint})
