"""A job's token against one of ours: short, and only what the service account's bindings give. No HTTP.

RFC 8693. The foreign token is not used up: a job may come several times while it is good, as GitLab's do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete

from guru_policy.access.rulebook import HeldService
from guru_policy.errors import NotSignedIn
from guru_server.audit.log import record
from guru_server.clock import Clock
from guru_server.federation.claims import ALGORITHMS, misses, untested
from guru_server.federation.issuers import Issuers, Jwk
from guru_server.gateway.plain import plain
from guru_server.identity import people
from guru_server.identity.tables import api_token
from guru_server.rights.holding import Holding
from guru_server.store.database import Database

LIFE = 900                              # seconds
KEPT = 86_400_000                       # ms that a token's row stays after its end


@dataclass(frozen=True, slots=True)
class Exchange:
    """One tenant's."""

    db: Database
    clock: Clock
    tenant: str
    holding: Holding
    issuers: Issuers

    async def exchange(self, text: str, account: str = "") -> str:
        """An access token for the job. NotSignedIn, or Unreachable when its issuer cannot be asked for its keys.

        Without `account` there must be exactly one whose trust holds. No address is asked before Git names it.
        """
        told, now = untested(text), self.clock()
        book = await self.db.read(lambda connection: self.holding.book(connection, self.tenant))
        trusting = [
            one for one in book.services
            if account in ("", one.name) and any(trust.issuer == told.issuer for trust in one.trusts)
        ]
        if not trusting:
            raise NotSignedIn("no service account trusts the issuer of this token", hint="docs/single-sign-on.md")
        claims = verified(text, await self.issuers.key(told.issuer, told.key))
        name = chosen(trusting, claims, now)

        def work(connection: Connection) -> str:
            if self.holding.book(connection, self.tenant).service(name) is None:
                raise NotSignedIn("the service account was taken away just now")
            connection.execute(delete(api_token).where(
                api_token.c.tenant == self.tenant, api_token.c.kind == "service", api_token.c.expires_at < now - KEPT))
            made = people.create(connection, self.tenant, name, "", now=now, ttl=LIFE, actor=f"service:{name}",
                                 kind="service")
            record(connection, now, f"service:{name}", "TokenExchanged", f"token:{made.split('_')[1]}",
                   plain(f"{told.issuer} says {claims.get('sub', '')}", 300))
            return made

        return await self.db.write(work)


def verified(text: str, key: Jwk) -> dict[str, Any]:
    """The claims of a token that this key signed; NotSignedIn for any other."""
    from joserfc import jwk, jwt
    from joserfc.errors import JoseError

    try:
        token = jwt.decode(text, jwk.import_key(key), algorithms=list(ALGORITHMS))
    except (JoseError, ValueError, KeyError, TypeError, RecursionError) as cause:
        raise NotSignedIn("the token's signature is wrong") from cause
    if key.get("alg", token.header["alg"]) != token.header["alg"]:
        raise NotSignedIn("the key is for signatures of another kind")
    return dict(token.claims)


def chosen(accounts: Sequence[HeldService], claims: dict[str, Any], now: int) -> str:
    """The one account whose trust holds for the claims; NotSignedIn, with the nearest reason, when it is not one."""
    good, why = [], ""
    for account in accounts:
        reasons = [misses(trust, claims, now) for trust in account.trusts]
        if "" in reasons:
            good.append(account.name)
        else:
            why = why or next((one for one in reasons if one != "another issuer"), reasons[0])
    if not good:
        raise NotSignedIn(f"the token does not sign in: {why}")
    if len(good) > 1:
        raise NotSignedIn("several service accounts trust this token", hint="name one: --account NAME")
    return good[0]
