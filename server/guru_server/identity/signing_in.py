"""Who sends a request and whether they may: the one place where the API asks. Tokens are never logged."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from fastapi import Request
from sqlalchemy import Connection

from guru_policy.access.asking import Circumstances, Target
from guru_policy.access.deciding import anywhere
from guru_policy.access.grants import grants_of
from guru_policy.access.rulebook import Rulebook
from guru_policy.errors import GuruError, NotSignedIn, Refused, Unreachable
from guru_policy.objects.scopes import ORG
from guru_server.accounts.desk import Desk
from guru_server.audit.log import Deed, append
from guru_server.audit.repeated import Repeated
from guru_server.clock import Clock
from guru_server.gateway.plain import plain
from guru_server.identity.people import Person, note_use, sign_in
from guru_server.identity.rates import Rates
from guru_server.identity.sightings import Sightings
from guru_server.identity.standing_in import STAND_IN, StandIn, owner_of
from guru_server.origins import origin_of
from guru_server.rights.asking import Labels, Rights
from guru_server.rights.declaring import Need
from guru_server.rights.granting import Granted, granted_book, granted_to
from guru_server.rights.holding import Holding
from guru_server.rights.waiting import Act, Asked, Sender, keep
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.proofs import HEADER

MOST = 2_000                            # characters of a token
TICKET = "guru-ticket"                  # the header that names a ticket
MOST_TICKET = 64
OPEN_TO_ALL = ("/api/v1/account", "/api/v1/whoami", "/api/v1/sessions")     # before a second factor is set up


@dataclass(frozen=True, slots=True)
class Door:
    """What stands in front of every guarded route; `main` makes one and the gate asks it."""

    db: Database
    clock: Clock
    labels: Labels
    failures: Rates = field(default_factory=lambda: Rates(burst=20, rate=0.2))
    holding: Holding = field(default_factory=Holding)
    sightings: Sightings | None = None
    desk: Desk | None = None            # where people sign in
    repeated: Repeated | None = None    # what is refused again and again makes few rows

    async def __call__(self, request: Request, need: Need | None) -> None:
        """Keep who is there and what they may in request.state; NotSignedIn or Refused for whoever may not.

        Only wrong tokens are counted against their address, and a good one always passes: else anybody behind
        the same router or balancer could lock everybody out. Tokens have 256 bits; guessing needs no brake.
        """
        now = self.clock()
        stand_in: StandIn | None = request.scope.get(STAND_IN)
        person, book, granted = await self._stood(stand_in, now) if stand_in else await self._who(request, now)
        if self.sightings:
            await self.sightings.seen(request, address_of(request), person)
        if person.set_up and not request.url.path.startswith(OPEN_TO_ALL):
            raise Refused("your organisation asks for a second factor or a passkey, and this sign-in has shown none",
                          hint="`guru mfa setup`, or `guru passkey add` and `guru login --passkey`")
        if person.note_use:
            with suppress(Unreachable):     # a full disk keeps nobody from looking
                await self.db.write(lambda connection: note_use(connection, whose(connection), person.token, now))
        if person.kind == "service" and book.service(person.name) is None:
            raise NotSignedIn("this service account is not in the repository any more, or disabled there")
        subject = person.subject
        if person.kind == "person":
            subject = subject._replace(names=subject.names | book.names_of(person.name) | person.groups)
        ticket = stand_in.ticket if stand_in else plain(request.headers.get(TICKET, ""), MOST_TICKET).strip()
        grants = self.holding.grants(book, subject.names, person.role)
        if granted and not person.role:
            grants = grants.plus(grants_of(granted_book(book, granted), subject.names))
        rights = Rights(
            person.actor, subject, grants, book, Circumstances(now, ticket), self.labels, whence(request),
            agreed=stand_in.agreed if stand_in else None,
        )
        request.state.person, request.state.rights = person, rights
        if need is None:
            raise Refused("this route does not say what it needs, so nobody may use it", hint="that is a bug: tell us")
        if need.verb is None:
            rights.asked = True
        elif need.of == "organisation":
            rights.require_scope(None, need.verb)
            if request.method not in _LOOKING:      # a change is noted before it happens
                await self.db.write(lambda connection: rights.require_scope(connection, need.verb or ""))
        elif not any(anywhere(subject, verb, rights.grants) for verb in (need.verb, *need.others)):
            raise rights.refused(need.verb, "anywhere", rights.decide(need.verb, [_NOWHERE]))

    async def settle(self, request: Request) -> None:
        """Put what was refused into the audit log; a full disk makes no refusal an answer."""
        rights: Rights | None = getattr(request.state, "rights", None)
        if rights is None or not rights.refusals:
            return
        told = [
            Deed(rights.actor, "Denied", one.about, f"{one.why} (rights of {_revision(rights)})", rule=one.rule,
                 revision=rights.grants.revision, **rights.whence)
            for one in dict.fromkeys(rights.refusals)
        ]
        rights.refusals.clear()
        if self.repeated:
            for deed in told:
                await self.repeated.note(deed)
            return
        now = self.clock()
        with suppress(GuruError):
            await self.db.write(lambda connection: append(connection, now, told))

    def wanting(self, request: Request) -> bool:
        """Whether it was refused only because nobody else has agreed."""
        rights: Rights | None = getattr(request.state, "rights", None)
        return rights is not None and rights.wanting is not None and request.method not in _LOOKING

    async def keep(self, request: Request, body: bytes) -> GuruError:
        """Keep the request until somebody agrees, and what to tell."""
        rights: Rights = request.state.rights
        person: Person = request.state.person
        wanting, rights.wanting, now = rights.wanting, None, self.clock()
        if wanting is None:
            return Refused("nothing of this waits for anybody")
        rights.refusals.clear()                 # ApprovalAsked tells it
        act = Act(request.method, request.scope["path"][:1000], request.url.query[:2000],
                  request.headers.get("content-type", "")[:128], body)
        host = request.client.host if request.client else ""
        sender = Sender(person.token, person.session, person.mfa_at, host)

        def write(connection: Connection) -> str:
            owner = owner_of(connection, whose(connection), person)
            asked = Asked(person.actor, owner, sender, rights.around.ticket, wanting, act)
            return keep(connection, whose(connection), asked, now)

        try:
            ident = await self.db.write(write)
        except GuruError as error:
            return error
        who = f"somebody with the role {wanting.role}" if wanting.role else "somebody else"
        return Refused(
            f"{wanting.verb} waits as approval {ident} until {who} agrees: {wanting.about}",
            hint=f"they run `guru approval approve {ident}` within 4h; nothing has been done yet",
        )

    async def _stood(self, stand_in: StandIn, now: int) -> tuple[Person, Rulebook, Sequence[Granted]]:
        person = stand_in.person
        return await self.db.read(lambda connection: (
            person, self.holding.book(connection, whose(connection)),
            granted_to(connection, whose(connection), person, now)))

    async def _who(self, request: Request, now: int) -> tuple[Person, Rulebook, Sequence[Granted]]:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > MOST:
            raise NotSignedIn("this needs a token", hint="sign in: `guru login`")
        try:
            return await self._read(request, token, now)
        except NotSignedIn as error:
            address = address_of(request)
            if self.sightings:
                await self.sightings.refused(request, address, "SignInFailed", "token", error)
            self.failures.take(address, now)
            raise

    async def _read(self, request: Request, token: str, now: int) -> tuple[Person, Rulebook, Sequence[Granted]]:
        """Who holds the token; a session's tokens have two dots, and the request proves the client's key."""
        desk, host = self.desk, request.client.host if request.client else ""
        access = None
        if desk is not None and token.count(".") == 2:
            proof = desk.proof(request.headers.get(HEADER, ""), request.method, request.scope["path"], token=token)
            access = desk.access(token, proof, now)

        def read(connection: Connection) -> tuple[Person, Rulebook, Sequence[Granted]]:
            book = self.holding.book(connection, whose(connection))
            person = (desk.whose(connection, access, book, now) if desk is not None and access is not None
                      else sign_in(connection, whose(connection), token, now, host))
            return person, book, granted_to(connection, whose(connection), person, now)

        return await self.db.read(read)


_LOOKING = frozenset({"GET", "HEAD"})
_NOWHERE = Target(ORG)


def _revision(rights: Rights) -> str:
    return rights.grants.revision[:12] or "the server itself"


def signed_in(request: Request) -> Person:
    """A dependency for guarded routes: who sent this request."""
    person: Person = request.state.person
    return person


def whence(request: Request) -> dict[str, str]:
    """The request's id and the address it came from, for the audit log."""
    return {"request": request.scope.get("guru.request", ""), "address": address_of(request)}


def address_of(request: Request) -> str:
    """The peer's address; an IPv6 network of 64 bits counts as one."""
    return origin_of(request.client.host if request.client else "")
