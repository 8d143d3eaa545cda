"""What the door sees, for the audit log: tokens that are wrong, and tokens at addresses they were never used from."""

from __future__ import annotations

from collections import OrderedDict

from fastapi import Request
from sqlalchemy import Connection, func, select, text

from guru_policy.errors import GuruError, Unreachable
from guru_server.audit.log import Deed, append
from guru_server.audit.repeated import STRANGER, Repeated
from guru_server.clock import Clock
from guru_server.identity.people import Person
from guru_server.identity.tables import token_address
from guru_server.origins import origin_of
from guru_server.store.binding import whose
from guru_server.store.database import Database

KNOWN = 20_000                          # tokens at addresses that are remembered without asking the database
ADDRESSES = 1_000                       # of one token; further ones are counted only
_SEEN = text(
    "INSERT INTO token_address (tenant, token, address, first_at) VALUES (:tenant, :token, :address, :now)"
    " ON CONFLICT DO NOTHING"
)


class Sightings:
    """One process's memory of them, and the log's."""

    def __init__(self, db: Database, clock: Clock, repeated: Repeated) -> None:
        self._db, self._clock, self._repeated = db, clock, repeated
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def refused(self, request: Request, address: str, action: str, about: str, error: GuruError) -> None:
        """Somebody whom nobody knows was turned away."""
        await self._repeated.note(Deed(
            STRANGER, action, about, error.message, address=address, request=request.scope.get("guru.request", "")
        ))

    async def webhook(self, request: Request, forge: str, error: GuruError) -> None:
        """A webhook whose signature is wrong."""
        address = origin_of(request.client.host if request.client else "")
        await self.refused(request, address, "WebhookRefused", f"webhook:{forge}", error)

    async def seen(self, request: Request, address: str, person: Person) -> None:
        """A good token: told when it comes from this address for the first time. A full disk keeps nobody out."""
        place = (person.token, address)
        if place in self._known:
            return
        deed = Deed(
            person.actor, "TokenSeen", f"token:{person.token}", "from a new address", address=address,
            request=request.scope.get("guru.request", ""),
        )
        try:
            now = self._clock()
            few = await self._db.write(lambda connection: _remember(connection, person.token, address, deed, now))
        except Unreachable:
            return
        if not few:
            await self._repeated.note(deed._replace(result=f"from more than {ADDRESSES} addresses", address=""))
        self._known[place] = None
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)


def _remember(connection: Connection, token: str, address: str, deed: Deed, now: int) -> bool:
    """Keep and tell of the address when it is new; False when this token has too many."""
    mine = (token_address.c.tenant == whose(connection), token_address.c.token == token)
    if connection.execute(select(token_address.c.token).where(*mine, token_address.c.address == address)).first():
        return True
    if connection.execute(select(func.count()).select_from(token_address).where(*mine)).scalar_one() >= ADDRESSES:
        return False
    row = {"tenant": whose(connection), "token": token, "address": address, "now": now}
    if connection.execute(_SEEN, row).rowcount:
        append(connection, now, [deed])
    return True
