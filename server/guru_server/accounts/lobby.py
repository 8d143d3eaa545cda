"""Where clients begin to sign in through a browser, and spend the code that it brought them. No HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from guru_policy.access.rulebook import HeldProvider, Rulebook
from guru_policy.errors import InputInvalid, NotFound, NotSignedIn
from guru_server.accounts import accounts, attempts, sessions
from guru_server.accounts.accounts import Account
from guru_server.accounts.attempts import Attempt, Wish
from guru_server.accounts.desk import Desk
from guru_server.accounts.sessions import Method, SignedIn
from guru_server.identity.rates import Rates
from guru_server.provisioning import people as provisioned
from guru_wire.people import Tokens
from guru_wire.sign_ins import AttemptAsked, AttemptBegun, AttemptRedeemed

METHODS: dict[str, Method] = {"passkey": "passkey", "sso": "sso"}


@dataclass(frozen=True, slots=True)
class Lobby:
    """One tenant's. `url` is the server's address as browsers know it."""

    desk: Desk
    url: str
    knocks: Rates = field(default_factory=lambda: Rates(burst=20, rate=0.1))
    codes: Rates = field(default_factory=lambda: Rates(burst=10, rate=1 / 30))  # of one person, at shells' codes
    polls: Rates = field(default_factory=lambda: Rates(burst=5, rate=0.5))      # of one client that waits
    looks: Rates = field(default_factory=lambda: Rates(burst=60, rate=0.5))     # at pages, and for ceremonies

    async def begin(self, ask: AttemptAsked, client_key: str, address: str) -> AttemptBegun:
        """The page that the client's browser opens. InputInvalid, NotSignedIn or TooMany."""
        desk, now = self.desk, self.desk.clock()
        self.knocks.take(address, now)

        def work(connection: Connection) -> Attempt:
            book = desk.holding.book(connection, desk.tenant)
            if ask.way not in book.sign_in.methods:
                raise NotSignedIn(f"your organisation does not take sign-ins by {ask.way}",
                                  hint="its SignInPolicy says which it takes")
            details: dict[str, Any] = {}
            if ask.way == "sso":
                details["provider"] = chosen(book, ask.provider).name
            elif ask.provider:
                raise InputInvalid("a provider goes with sso only")
            return attempts.begin(connection, desk.tenant, Wish(
                ask.way, client_key, ask.challenge, ask.state, ask.port, ask.client, address, details=details), now=now)

        return self.begun(await desk.db.write(work))

    def begun(self, attempt: Attempt) -> AttemptBegun:
        """What the client is told of it."""
        page = "sso/start" if attempt.way == "sso" else "passkey"
        return AttemptBegun(id=attempt.id, url=f"{self.url}/auth/{page}?attempt={attempt.id}", check=attempt.check,
                            expires_at=attempt.expires_at)

    async def redeem(self, ask: AttemptRedeemed, client_key: str) -> Tokens:
        """The session of whoever the browser showed to be there; NotSignedIn."""
        desk, now = self.desk, self.desk.clock()
        code, verifier = ask.code.get_secret_value(), ask.verifier.get_secret_value()

        def work(connection: Connection) -> Tokens | NotSignedIn:
            done = attempts.redeem(
                connection, desk.tenant, ask.attempt, client_key, code, verifier, "passkey", "sso", now=now)
            if isinstance(done, NotSignedIn):
                return done
            book = desk.holding.book(connection, desk.tenant)
            found = accounts.find(connection, desk.tenant, done.name)
            try:
                desk.admit(found, book, done.name)
            except NotSignedIn as error:
                return error
            if done.way == "sso":
                why = _unvouched(book, found, done) or self._unkept(connection, book, done)
                if why:
                    return why
            who = SignedIn(
                done.name, METHODS[done.way], done.mfa_at, client_key, done.client, done.address,
                str(done.details.get("provider", "")), tuple(done.details.get("groups", ())))
            opened = sessions.open_session(connection, desk.tenant, who, seal=desk.seal, policy=book.sign_in, now=now)
            return desk.tokens(opened, done.name, client_key, set_up=False, now=now)

        tokens = await desk.db.write(work)
        if isinstance(tokens, NotSignedIn):
            raise tokens
        return tokens


    def _unkept(self, connection: Connection, book: Rulebook, done: Attempt) -> NotSignedIn | None:
        """Why somebody whom no Person names is not kept here by their provider; None when they are."""
        if book.user(done.name) is None:
            try:
                provisioned.standing(connection, self.desk.tenant, book, done.name, str(done.details["provider"]))
            except NotSignedIn as error:
                return error
        return None


def chosen(book: Rulebook, name: str) -> HeldProvider:
    """The provider of that name, or the only one; NotFound."""
    found = [one for one in book.providers if name in ("", one.name)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound("the repository names no such identity provider", hint="an IdentityProvider in org/")
    raise NotFound("the repository names several identity providers",
                   hint=f"--provider {' or --provider '.join(one.name for one in found)}")


def _unvouched(book: Rulebook, found: Account | None, done: Attempt) -> NotSignedIn | None:
    """Why a provider's word is not enough; None when it is."""
    if found is not None and found.role:
        return NotSignedIn("an account with a fixed role signs in by password or passkey, by no provider's word")
    if book.sign_in.second_factor == "required" and done.mfa_at is None:
        return NotSignedIn("your organisation asks for a second factor, and the provider tells of none",
                           hint="`secondFactor` of the IdentityProvider names what counts")
    return None
