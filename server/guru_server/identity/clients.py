"""OAuth 2.0 clients of others: a secret against a short token, never more than both sides agreed on. No HTTP.

RFC 6749, 4.4. A scope is a verb. What the client may do is what Git binds to `client:<name>`, within its limits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, delete

from guru_policy.errors import InputInvalid, NotSignedIn
from guru_policy.kinds.role import VERBS
from guru_server.clock import Clock
from guru_server.identity import people
from guru_server.identity.rates import Rates
from guru_server.identity.tables import api_token
from guru_server.store.database import Database

LIFE = 900                              # seconds
KEPT = 86_400_000                       # ms that a token's row stays after its end


class ClientToken(NamedTuple):
    """A token, and the verbs that it is for; empty: all that Git gives."""

    text: str
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clients:
    """One tenant's."""

    db: Database
    clock: Clock
    tenant: str
    made: Rates = field(default_factory=lambda: Rates(burst=60, rate=0.2))      # of one client

    async def grant(self, client: str, secret: str, scope: str, host: str) -> ClientToken:
        """A token of 15 minutes. NotSignedIn for a wrong secret, InputInvalid for another's scope, TooMany."""
        now, wanted = self.clock(), tuple(sorted(set(scope.split())))

        def work(connection: Connection) -> ClientToken:
            found = people.client_of(connection, self.tenant, client, secret, now, host)
            if found is None:
                raise NotSignedIn("the client is not known, its secret is another, or it is over")
            if any(one not in VERBS or (found.limits.verbs and one not in found.limits.verbs) for one in wanted):
                raise InputInvalid("the client is not for a verb of this scope")
            self.made.take(client, now)
            connection.execute(delete(api_token).where(
                api_token.c.tenant == self.tenant, api_token.c.kind == "client", api_token.c.expires_at < now - KEPT))
            limits = found.limits._replace(verbs=wanted or found.limits.verbs)
            text = people.create(
                connection, self.tenant, found.name, "", now=now, ttl=LIFE, actor=found.created_by, kind="client",
                limits=limits, parent=found.id)
            people.note_use(connection, self.tenant, found.id, now)
            return ClientToken(text, limits.verbs)

        return await self.db.write(work)
