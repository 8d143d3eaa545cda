"""A program that signs in without a stored secret: by the token that its own platform gives it. It gives no right."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from guru_policy.kinds.base import DisplayName, Spec
from guru_policy.model import wrong
from guru_policy.quantities import ItemId, shape, shown


def _issuer(text: str) -> str:
    try:
        parts = urlsplit(text)
        more = parts.query or parts.fragment or parts.username
        good = parts.scheme == "https" and bool(parts.hostname) and not more
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        raise wrong(f"{shown(text)} is not an issuer", hint="exactly the `iss` of its tokens: https://...")
    return text


IssuerText = Annotated[str, AfterValidator(_issuer), StringConstraints(max_length=300), shape("https address")]
ClaimName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,100}$")]
ClaimText = Annotated[str, StringConstraints(min_length=1, max_length=300)]


def _several(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


ClaimValues = Annotated[
    tuple[ClaimText, ...], BeforeValidator(_several, json_schema_input_type=ClaimText | tuple[ClaimText, ...]),
    Field(min_length=1, max_length=50),
]


class Trust(Spec):
    """Tokens of one issuer. Everything here must hold of a token."""

    issuer: IssuerText = Field(description="exactly the `iss` of its tokens; its keys are fetched from there")
    audience: ClaimText = Field(description="what the token was made for; choose a word of your own, not another's")
    claims: dict[ClaimName, ClaimValues] = Field(
        min_length=1, max_length=20,
        description="claim to its value, or to a list of which one must be it; such as `repository` and `ref`")


class ServiceAccount(Spec):
    """The object's name is its name: `service:<name>` in Bindings."""

    display_name: DisplayName | None = Field(default=None, description="a name for people")
    trusts: dict[ItemId, Trust] = Field(min_length=1, max_length=20, description="by id; one that holds is enough")
    disabled: bool = Field(default=False, description="signs in no more, and what is signed in ends at once")
