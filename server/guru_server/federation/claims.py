"""What the token of another issuer says, and whether a trust in Git holds for it. Pure; it checks no signature.

RFC 7519 (iss, aud, exp, nbf, iat) and RFC 8725 (algorithms that are ours to choose, never the token's).
"""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple, TypeGuard

from guru_policy.access.rulebook import HeldTrust
from guru_policy.errors import NotSignedIn

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
MOST = 16_384                           # characters of a token
LEEWAY = 30                             # seconds that the issuer's clock may be off
OLDEST = 86_400                         # seconds after its making, however far away its end is


class Untested(NamedTuple):
    """What a token says of itself, before anybody looked at its signature: only good for finding the key."""

    issuer: str
    key: str
    algorithm: str = ""


def untested(text: str, *, keyless: bool = False) -> Untested:
    """The issuer and key that the token names; NotSignedIn for what cannot be a signed token.

    With `keyless` it may name no key (OpenID Connect Core, 10.1: an issuer with a single one); the name is then empty.
    """
    parts = text.split(".")
    if len(text) > MOST or len(parts) != 3:
        raise NotSignedIn("that is not a signed token (JWT)")
    try:
        head, claims = (_part(part) for part in parts[:2])
    except (ValueError, TypeError, RecursionError) as cause:
        raise NotSignedIn("that is not a signed token (JWT)") from cause
    issuer, key = claims.get("iss"), head.get("kid", "" if keyless else None)
    if head.get("alg") not in ALGORITHMS or "crit" in head:
        raise NotSignedIn("the token is signed in a way that is not taken here")
    if not isinstance(issuer, str) or not isinstance(key, str) or not (key or keyless):
        raise NotSignedIn("the token names no issuer, or not the key that signed it")
    return Untested(issuer, key, str(head["alg"]))


def misses(trust: HeldTrust, claims: dict[str, Any], now: int) -> str:
    """Why the trust does not hold for verified claims, in words for whoever runs the job; empty when it does.

    `now` is ms UTC. Values that the token has are not repeated.
    """
    if claims.get("iss") != trust.issuer:
        return "another issuer"
    audience = claims.get("aud")
    if trust.audience not in (audience if isinstance(audience, list) else [audience]):
        return f"its audience is not {trust.audience}"
    return untimely(claims, now / 1000) or next((
        f"its claim {name} is not what the service account asks for"
        for name, values in trust.claims if text_of(claims.get(name)) not in values
    ), "")


def untimely(claims: dict[str, Any], now: float) -> str:
    """Why the claims do not hold at `now`, in seconds; empty when they do."""
    ends, starts, made = (claims.get(name) for name in ("exp", "nbf", "iat"))
    if not _number(ends) or not _number(made):
        return "it does not say when it was made and when it ends"
    if not (now < ends + LEEWAY and now < made + OLDEST):   # so put, what is not a number ends at once
        return "it expired"
    if not made <= now + LEEWAY or (starts is not None and not (_number(starts) and starts <= now + LEEWAY)):
        return "it is not good yet; compare the clocks"
    return ""


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def text_of(value: object) -> str | None:
    """A claim as it is written in YAML; None, which equals nothing, for lists and objects."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def _part(text: str) -> dict[str, Any]:
    found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    if not isinstance(found, dict):
        raise TypeError("not an object")
    return found
