"""Where people sign in: it checks what they show, opens sessions, and says whose an access token is. No HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from guru_policy.access.rulebook import HeldSignIn, Rulebook
from guru_policy.errors import FactorNeeded, NotSignedIn
from guru_server.accounts import accounts, sessions
from guru_server.accounts.accounts import Account
from guru_server.accounts.brakes import Brakes
from guru_server.accounts.numbers import Numbers
from guru_server.accounts.passwords import Mill, check_new, outdated
from guru_server.accounts.sealing import Seal
from guru_server.accounts.sessions import Opened, SessionRow, SignedIn
from guru_server.accounts.tables import user_session
from guru_server.accounts.tokens import LIFE, Access, Minter
from guru_server.clock import Clock
from guru_server.gateway.plain import plain
from guru_server.identity.people import Person
from guru_server.passkeys import keeping
from guru_server.provisioning import people as provisioned
from guru_server.rights.holding import Holding
from guru_server.store.database import Database
from guru_wire.people import SignIn, Tokens
from guru_wire.proofs import Proof

WRONG = "the name or the password is wrong"


@dataclass(frozen=True, slots=True)
class Desk:
    """One tenant's. `holding` is the door's own: both look at the same rulebook."""

    db: Database
    clock: Clock
    tenant: str
    seal: Seal
    minter: Minter
    holding: Holding
    mill: Mill = field(default_factory=Mill)
    brakes: Brakes = field(default_factory=Brakes)
    numbers: Numbers = field(default_factory=Numbers)

    def proof(self, text: str, method: str, path: str, *, token: str = "") -> Proof:
        """The proof that goes with a request, used up; NotSignedIn."""
        now = self.clock()
        proof = Proof(text, method, path, now=now, token=token)
        self.numbers.take(proof, now)
        return proof

    async def sign_in(self, ask: SignIn, client_key: str, address: str) -> Tokens:
        """Open a session by password. NotSignedIn, FactorNeeded, or TooMany.

        That a second factor is missing is told only to whoever knows the password.
        """
        now = self.clock()
        book, found, known = await self.db.read(lambda connection: (
            self.holding.book(connection, self.tenant), accounts.find(connection, self.tenant, ask.user),
            self._known(connection, ask.user, client_key),
        ))
        self.brakes.check(ask.user, client_key, address, now, known=known)
        password = ask.password.get_secret_value()
        good = await self.mill.holds(found.password if found else "", password)
        if found is None or not good:
            self.brakes.failed(ask.user, client_key, address, now, known=known)
            raise NotSignedIn(WRONG, hint="who forgot it asks for a new invitation: `guru user invite NAME`")
        self.admit(found, book)
        if found.second_factor and not ask.code:
            raise FactorNeeded("the second factor is missing", hint="give the code that your authenticator shows")
        fresh = await self.mill.digest_of(password) if outdated(found.password) else ""

        def work(connection: Connection) -> Opened | NotSignedIn | None:
            if found.second_factor and not accounts.factor_shown(
                connection, self.tenant, found.name, ask.code, self.seal, now=now
            ):
                return None
            if "password" not in book.sign_in.methods and (
                "passkey" not in book.sign_in.methods or keeping.has_one(connection, self.tenant, found.name)
            ):
                return NotSignedIn("your organisation does not take passwords", hint=_other_ways(book.sign_in))
            if fresh:
                accounts.set_password(connection, self.tenant, found.name, fresh, now=now, quietly=True)
            mfa_at, client = now if found.second_factor else None, plain(ask.client, 200)
            who = SignedIn(found.name, "password", mfa_at, client_key, client, address)
            return sessions.open_session(
                connection, self.tenant, who, seal=self.seal, policy=book.sign_in, now=now)

        opened = await self.db.write(work)
        if opened is None:
            self.brakes.failed(ask.user, client_key, address, now, known=known)
            raise NotSignedIn("the code is wrong, or was used already", hint="wait for the next one")
        if isinstance(opened, NotSignedIn):
            raise opened
        return self.tokens(opened, found.name, client_key, set_up=_must_set_up(book.sign_in, found, None), now=now)

    async def refresh(self, refresh: str, client_key: str) -> Tokens:
        """The next tokens of a session; NotSignedIn when it is over, or ends now."""
        now = self.clock()

        def work(connection: Connection) -> tuple[SessionRow, Opened, bool] | NotSignedIn:
            book = self.holding.book(connection, self.tenant)
            done = sessions.turn(
                connection, self.tenant, refresh, client_key, seal=self.seal, policy=book.sign_in, now=now)
            if isinstance(done, NotSignedIn):
                return done
            found = accounts.find(connection, self.tenant, done[0].name)
            self.admit(found, book, done[0].name)
            return *done, _must_set_up(book.sign_in, found, done[0])

        done = await self.db.write(work)
        if isinstance(done, NotSignedIn):
            raise done
        row, opened, set_up = done
        return self.tokens(opened, row.name, client_key, set_up=set_up, now=now)

    async def accept(self, invitation: str, password: str) -> str:
        """Set the password that an invitation is for; the account's name. Whoever was signed in is not any more."""
        now = self.clock()
        name = await self.db.read(lambda connection: accounts.invited(connection, self.tenant, invitation, now))
        check_new(password, name)
        digest = await self.mill.digest_of(password)

        def work(connection: Connection) -> str:
            accounts.accept(connection, self.tenant, invitation, digest, now=now)
            keeping.forget_all(connection, self.tenant, name)
            sessions.end_all(
                connection, self.tenant, name, now=now, actor=f"person:{name}", why="the password was set anew")
            return name

        return await self.db.write(work)

    def access(self, token: str, proof: Proof, now: int) -> Access:
        """What the access token says; NotSignedIn when it is none of ours, over, or another client's key's."""
        access = self.minter.read(token, now)
        if access.client_key != proof.key:
            raise NotSignedIn("this token belongs to another client's key", hint="sign in: `guru login`")
        return access

    def whose(self, connection: Connection, access: Access, book: Rulebook, now: int) -> Person:
        """Who holds a token that says this; NotSignedIn for a session that is over."""
        row = sessions.session_of(connection, self.tenant, access.session)
        if row is None or not row.living(now, book.sign_in.idle + LIFE):
            why = f": {row.ending}" if row and row.ending else ""
            raise NotSignedIn(f"this session is over{why}", hint="sign in again: `guru login`")
        person, found = self._person(connection, row, book)
        return person._replace(expires_at=access.expires_at, set_up=_must_set_up(book.sign_in, found, row))

    def again(self, connection: Connection, session: str) -> Person:
        """Who signed in, for an act of theirs that waited; NotSignedIn when they signed out or were shut out."""
        row = sessions.session_of(connection, self.tenant, session)
        if row is None or row.ending:
            raise NotSignedIn("the session of whoever asked was ended")
        return self._person(connection, row, self.holding.book(connection, self.tenant))[0]

    def _person(self, connection: Connection, row: SessionRow, book: Rulebook) -> tuple[Person, Account | None]:
        """Whose session it is, unless they are shut out."""
        found = accounts.find(connection, self.tenant, row.name)
        self.admit(found, book, row.name)
        if row.method not in (*book.sign_in.methods, "password", *(("device",) if book.sign_in.device_flow else ())):
            raise NotSignedIn("your organisation does not take this way of signing in any more",
                              hint=_other_ways(book.sign_in))
        groups = self._groups(connection, row, found, book)
        return Person(
            row.id, row.name, found.role if found else "", None, kind="person", session=True,  # type: ignore[arg-type]  # a fixed role or none
            mfa_at=row.mfa_at, groups=groups, by_code=row.method == "device",
        ), found

    def _groups(
        self, connection: Connection, row: SessionRow, found: Account | None, book: Rulebook
    ) -> frozenset[str]:
        """The groups that a provider gives, as Git reads them now; NotSignedIn when its word counts no more.

        Of a Person they are those of the sign-in; of somebody whom the provider keeps here, those of this moment.
        """
        if book.user(row.name) is None and (row.provider or provisioned.named(connection, self.tenant, row.name)):
            if found is not None and found.role:
                return _vouched_for(row, found, book) if row.provider else frozenset()
            ours = provisioned.standing(connection, self.tenant, book, row.name, row.provider)
            return frozenset(f"group:{one}" for one in ours)
        return _vouched_for(row, found, book) if row.provider else frozenset()

    def tokens(self, opened: Opened, name: str, client_key: str, *, set_up: bool, now: int) -> Tokens:
        """What the client gets."""
        return Tokens(
            session=opened.id, name=name, access=self.minter.mint(opened.id, name, client_key, now),
            expires_at=now + LIFE * 1000, refresh=opened.refresh, ends_at=opened.expires_at, set_up=set_up,
        )

    def _known(self, connection: Connection, name: str, client_key: str) -> bool:
        query = select(user_session.c.id).where(
            user_session.c.tenant == self.tenant, user_session.c.name == name,
            user_session.c.client_key == client_key)
        return connection.execute(query.limit(1)).first() is not None

    def admit(self, found: Account | None, book: Rulebook, name: str = "") -> None:
        """NotSignedIn for whoever is locked here, disabled in the repository, or was taken out of it."""
        if found is not None and found.locked:
            raise NotSignedIn(f"this account is locked: {found.locked}", hint="ask somebody who manages users")
        held = book.user(found.name if found else name)
        if held is not None and held.disabled and not (found and found.role):
            raise NotSignedIn("this account is disabled in the repository", hint="ask somebody who manages users")
        if held is None and found is not None and found.left_at is not None and not found.role:
            raise NotSignedIn("the repository does not name you any more", hint="ask somebody who manages users")


def _must_set_up(policy: HeldSignIn, found: Account | None, row: SessionRow | None) -> bool:
    """Whether a second factor, or a passkey, has to be set up before anything else."""
    if (row is None or row.method == "password") and "password" not in policy.methods:
        return True
    if row is not None and row.method in ("sso", "device"):
        return row.method == "sso" and policy.second_factor == "required" and row.mfa_at is None
    if policy.second_factor != "required" or (row is not None and row.mfa_at is not None):
        return False
    return found is not None and not found.second_factor


def _vouched_for(row: SessionRow, found: Account | None, book: Rulebook) -> frozenset[str]:
    """The groups that the provider names, as Git reads them now; NotSignedIn when its word counts no more."""
    provider = book.provider(row.provider)
    if provider is None or book.user(row.name) is None or (found is not None and found.role):
        raise NotSignedIn("the repository does not name this provider, or you, any more",
                          hint="ask somebody who manages users")
    return frozenset(f"group:{ours}" for theirs, ours in provider.groups if theirs in row.groups)


def _other_ways(policy: HeldSignIn) -> str:
    ways = [f"`guru login --{one}`" for one in policy.methods if one != "password"]
    return "sign in by " + (" or ".join(ways) or "a token of the server's own machine")
