"""Whom a provider's word is about, and what of it counts (OpenID Connect Core 1.0, 3.1.3.7). Pure; no signature.

A person is found by one claim that Git names, never made: who is neither a Person of the repository nor kept here by
the provider (SCIM) does not get in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, NamedTuple, TypeGuard

from guru_policy.access.rulebook import HeldProvider, HeldUser, Rulebook
from guru_policy.errors import NotSignedIn
from guru_server.federation.claims import LEEWAY, text_of, untimely

MOST_SUBJECT = 256
MOST_GROUPS = 500                       # of a token that are looked at


class Asked(NamedTuple):
    """What the token has to answer: ours of this attempt. `max_age` in seconds, `now` in ms UTC."""

    nonce: str
    access_token: str
    max_age: int
    now: int


class Vouched(NamedTuple):
    """Who it is, the provider's names of groups that count here, and when a second factor was shown (ms UTC).

    Without a `name` it is nobody of Git's: `subject` is then the id of somebody whom the provider may keep here.
    """

    name: str
    groups: tuple[str, ...]
    mfa_at: int | None
    subject: str = ""


def vouched(provider: HeldProvider, book: Rulebook, claims: dict[str, Any], algorithm: str, asked: Asked) -> Vouched:
    """Whom verified claims are about; NotSignedIn, with the reason in words, when anything does not hold."""
    why = _misses(provider, claims, algorithm, asked)
    if why:
        raise NotSignedIn(f"the provider's token does not sign in: {why}")
    return mapped(provider, book, claims)


def mapped(provider: HeldProvider, book: Rulebook, claims: dict[str, Any]) -> Vouched:
    """Whom Git or the provider itself means by these claims, by whatever protocol; NotSignedIn for nobody."""
    groups, mfa_at, subject = _groups(provider, claims), _mfa_at(provider, claims), _subject(provider, claims)
    try:
        return Vouched(_person(provider, book, claims).name, groups, mfa_at)
    except NotSignedIn:
        if not subject:
            raise
        return Vouched("", groups, mfa_at, subject)


def unmet(provider: HeldProvider, claims: dict[str, Any]) -> str:
    """Which claim is not what Git asks for, in words; empty when all are."""
    return next((f"its claim {name} is not what the repository asks for"
                 for name, values in provider.claims if text_of(claims.get(name)) not in values), "")


def _misses(provider: HeldProvider, claims: dict[str, Any], algorithm: str, asked: Asked) -> str:
    audience, party = claims.get("aud"), claims.get("azp")
    named = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != provider.issuer:
        return "it is of another issuer"
    if provider.client_id not in named or (party is None and len(named) > 1) or party not in (None, provider.client_id):
        return "it was made for another client"
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), asked.nonce.encode()):
        return "it answers another question"
    if why := untimely(claims, asked.now / 1000):
        return why
    if "at_hash" in claims and claims["at_hash"] != at_hash(asked.access_token, algorithm):
        return "it was given with another access token"
    at = claims.get("auth_time")
    if at is not None and not (_moment(at) and at > asked.now / 1000 - asked.max_age - LEEWAY):
        return "the sign-in at the provider is too long ago"
    return unmet(provider, claims)


def at_hash(token: str, algorithm: str) -> str:
    """OpenID Connect Core, 3.1.3.6: the left half of the digest that goes with the signature's algorithm."""
    name = f"sha{algorithm[-3:]}" if algorithm[-3:] in ("256", "384", "512") else "sha512"
    digest = hashlib.new(name, token.encode()).digest()
    return base64.urlsafe_b64encode(digest[:len(digest) // 2]).decode().rstrip("=")


def _person(provider: HeldProvider, book: Rulebook, claims: dict[str, Any]) -> HeldUser:
    said = claims.get(provider.person)
    found: list[HeldUser] = []
    if not isinstance(said, str) or not 0 < len(said) <= 300:
        raise NotSignedIn(f"the provider does not say who you are in the claim {provider.person}")
    if provider.person == "email":
        address = said.casefold()
        if claims.get("email_verified") is not True:
            raise NotSignedIn("the provider has not verified your e-mail address")
        if address.rpartition("@")[2] not in provider.domains:
            raise NotSignedIn("the provider may not vouch for addresses of this domain")
        found = [one for one in book.users if one.email == address]
    elif one := book.user(said):
        found = [one]
    if len(found) != 1:
        raise NotSignedIn("the repository names nobody like that" if not found else "the repository names several",
                          hint="a Person in org/ with this `email`, or of this name: docs/single-sign-on.md")
    return found[0]


def _subject(provider: HeldProvider, claims: dict[str, Any]) -> str:
    """The id by which the provider keeps people here; empty when it keeps none, or does not say it."""
    said = claims.get(provider.claim) if provider.key else None
    return said if isinstance(said, str) and len(said) <= MOST_SUBJECT else ""


def _groups(provider: HeldProvider, claims: dict[str, Any]) -> tuple[str, ...]:
    listed = claims.get(provider.groups_claim)
    told = {one for one in (listed if isinstance(listed, list) else [])[:MOST_GROUPS] if isinstance(one, str)}
    return tuple(sorted(told & {theirs for theirs, _ in provider.groups}))


def _mfa_at(provider: HeldProvider, claims: dict[str, Any]) -> int | None:
    at, ways = claims.get("auth_time"), claims.get("amr")
    shown = [*(ways if isinstance(ways, list) else []), claims.get("acr")]
    return int(at * 1000) if _moment(at) and any(one in provider.second_factor for one in shown) else None


def _moment(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e11
