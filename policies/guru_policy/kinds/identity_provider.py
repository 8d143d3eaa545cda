"""Where people of the organisation sign in elsewhere (OpenID Connect), and what of it counts. It gives no right."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from guru_policy.kinds.base import DisplayName, Spec
from guru_policy.kinds.person import GroupName
from guru_policy.kinds.service_account import ClaimName, ClaimText, ClaimValues, IssuerText
from guru_policy.model import wrong

Domain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
Scope = Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}$")]


class Provisioning(Spec):
    """How it keeps people here by SCIM; each of them signs in by it alone, and has no rights but those of `groups`."""

    key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,58}$")] = Field(
        description="the API key that it comes with, without `key:`; no other keeps people of this provider")
    claim: ClaimName = Field(
        default="sub", description="the claim of its tokens that has the `externalId` of whom it keeps here")


class IdentityProvider(Spec):
    """The object's name is what `guru login --sso --provider NAME` says."""

    display_name: DisplayName | None = Field(default=None, description="a name for people")
    issuer: IssuerText = Field(description="exactly the `iss` of its tokens; everything else is read from there")
    client_id: ClaimText = Field(description="what it calls this server; the secret stands in the server's settings")
    scopes: tuple[Scope, ...] = Field(
        default=("email", "profile"), max_length=20, description="what is asked for beside `openid`")
    person: ClaimName = Field(
        default="email", description="the claim that names the Person: `email` is looked for in their `email`, any "
                                     "other is their name itself")
    domains: tuple[Domain, ...] = Field(
        default=(), max_length=50, description="of addresses that it may vouch for; required with `person: email`")
    claims: dict[ClaimName, ClaimValues] = Field(
        default_factory=dict, max_length=20, description="claim to the value, or the list of values, that it must have")
    groups_claim: ClaimName = Field(default="groups", description="the claim that lists groups")
    groups: dict[ClaimText, GroupName] = Field(
        default_factory=dict, max_length=200, description="its name of a group to the one in Bindings; no other counts")
    second_factor: tuple[ClaimText, ...] = Field(
        default=("mfa",), max_length=20, description="values of `amr` or `acr` that say a second factor was shown")
    provisioning: Provisioning | None = Field(
        default=None, description="whether it may also keep people and their groups here (SCIM)")

    @model_validator(mode="after")
    def _bounded(self) -> IdentityProvider:
        if self.person == "email" and not self.domains:
            raise wrong("an identity provider that names people by e-mail needs the domains it may vouch for",
                        hint="domains: [example.com]; or name another claim in `person`")
        return self
