"""Access tokens: JWTs of ten minutes (RFC 9068), signed with session.key and bound to a client's key (RFC 7800)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_policy.errors import NotSignedIn

if TYPE_CHECKING:
    from joserfc.jwk import OKPKey

ISSUER = "guru"
LIFE = 600                              # seconds
LEEWAY = 5_000                          # ms
ALGORITHMS = ["Ed25519"]


class Access(NamedTuple):
    """What a token says."""

    session: str
    user: str
    client_key: str
    expires_at: int                     # ms UTC


class Minter:
    """Makes and reads them; `tenant` is the audience. The library (100 ms) is imported with the first token."""

    def __init__(self, key: Ed25519PrivateKey, tenant: str) -> None:
        self._private, self._tenant = key, tenant

    @cached_property
    def _key(self) -> OKPKey:
        from joserfc.jwk import OKPKey

        return OKPKey.import_key(self._private)

    def mint(self, session: str, user: str, client_key: str, now: int, life: int = LIFE) -> str:
        """A token from now on."""
        from joserfc import jwt

        return jwt.encode({"alg": "Ed25519", "typ": "at+jwt", "kid": self._key.thumbprint()}, {
            "iss": ISSUER, "aud": self._tenant, "sub": user, "sid": session, "iat": now // 1000,
            "exp": now // 1000 + life, "cnf": {"jkt": client_key},
        }, self._key, algorithms=ALGORITHMS)

    def read(self, text: str, now: int) -> Access:
        """What it says; NotSignedIn for one that is not ours, not for us, or over."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        try:
            token = jwt.decode(text, self._key, algorithms=ALGORITHMS)
            said, head = token.claims, token.header
            right = head["typ"] == "at+jwt" and said["iss"] == ISSUER and said["aud"] == self._tenant
            access = Access(str(said["sid"]), str(said["sub"]), str(said["cnf"]["jkt"]), int(said["exp"]) * 1000)
        except (JoseError, ValueError, KeyError, TypeError, RecursionError) as cause:
            raise NotSignedIn("this token is not known here", hint="sign in again: `guru login`") from cause
        if not right:
            raise NotSignedIn("this token is not known here", hint="sign in again: `guru login`")
        if now >= access.expires_at + LEEWAY:
            raise NotSignedIn("this token expired", hint="sign in again: `guru login`")
        return access
