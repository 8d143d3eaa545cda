"""Where people of the organisation sign in elsewhere (OpenID Connect, SAML), and what of it counts. No right."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from guru_policy.kinds.base import DisplayName, Spec
from guru_policy.kinds.person import GroupName
from guru_policy.kinds.service_account import ClaimName, ClaimText, ClaimValues, IssuerText
from guru_policy.model import wrong
from guru_policy.quantities import shape, shown
from guru_policy.resources.certificates import read_certificate

Domain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
Scope = Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}$")]


class Provisioning(Spec):
    """How it keeps people here by SCIM; each of them signs in by it alone, and has no rights but those of `groups`."""

    key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,58}$")] = Field(
        description="the API key that it comes with, without `key:`; no other keeps people of this provider")
    claim: ClaimName = Field(
        default="sub", description="the claim of its tokens that has the `externalId` of whom it keeps here")


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme == "https" and bool(parts.hostname) and not (parts.fragment or parts.username)
        _ = parts.port
    except ValueError:
        good = False
    if not good or not (text.isascii() and text.isprintable()) or " " in text:
        raise wrong(f"{shown(text)} is not an address to sign in at", hint="its SingleSignOnService: https://...")
    return text


def _signing(text: str) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.x509 import load_pem_x509_certificate

    pem = read_certificate(text).pem
    try:
        key = load_pem_x509_certificate(pem.encode()).public_key()
    except (ValueError, UnsupportedAlgorithm):
        key = None
    least = 2048 if isinstance(key, rsa.RSAPublicKey) else 256
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) or key.key_size < least:
        raise wrong("the key of this certificate is not taken", hint="RSA of 2048 bits at least, or ECDSA of 256")
    return pem


SignOnText = Annotated[str, AfterValidator(_address), StringConstraints(max_length=1000), shape("https address")]
SigningPem = Annotated[str, StringConstraints(max_length=16_000), AfterValidator(_signing), shape("certificate")]
EntityText = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,1000}$")]


class Saml(Spec):
    """What SAML 2.0 metadata of the provider says, as far as it counts here. Nothing is fetched."""

    entity_id: EntityText = Field(description="exactly the `entityID` of its metadata")
    sign_on: SignOnText = Field(description="its SingleSignOnService with the binding HTTP-Redirect")
    certificates: tuple[SigningPem, ...] = Field(
        min_length=1, max_length=4, description="by which it signs, in PEM; several while it changes them")
    email: ClaimName = Field(
        default="NameID", description="the attribute that is the e-mail address; `NameID` is the subject itself")


class IdentityProvider(Spec):
    """The object's name is what `guru login --sso --provider NAME` says."""

    display_name: DisplayName | None = Field(default=None, description="a name for people")
    issuer: IssuerText | None = Field(
        default=None, description="OpenID Connect: exactly the `iss` of its tokens; everything else is read from there")
    client_id: ClaimText | None = Field(
        default=None, description="what it calls this server; the secret stands in the server's settings")
    saml: Saml | None = Field(default=None, description="SAML 2.0, instead of `issuer` and `clientId`")
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
        default=("mfa",), max_length=20,
        description="values of `amr` or `acr`, in SAML of AuthnContextClassRef, that say a second factor was shown")
    provisioning: Provisioning | None = Field(
        default=None, description="whether it may also keep people and their groups here (SCIM)")

    @model_validator(mode="after")
    def _bounded(self) -> IdentityProvider:
        if (self.saml is None) == (self.issuer is None) or (self.issuer is None) != (self.client_id is None):
            raise wrong("an identity provider speaks either OpenID Connect or SAML",
                        hint="`issuer` and `clientId`, or `saml` alone")
        if self.person == "email" and not self.domains:
            raise wrong("an identity provider that names people by e-mail needs the domains it may vouch for",
                        hint="domains: [example.com]; or name another claim in `person`")
        return self
