"""Single sign-on: three stops of a browser on its way to a provider and back. It decides nothing itself.

Two cookies bind the way to one browser: the first is not sent when another site leads here (SameSite=Strict), so nobody
sends somebody on without the page that names who asked; the second comes along from the provider (Lax, and None for
SAML, whose answers are forms of the provider's).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from guru_policy.access.rulebook import HeldProvider, Rulebook
from guru_policy.errors import GuruError, NotSignedIn, Unreachable
from guru_server.accounts import accounts, attempts
from guru_server.accounts.attempts import Attempt
from guru_server.accounts.browser_page import QUIET_POLICY, Words, link_page, told_page
from guru_server.accounts.lobby import Lobby, chosen
from guru_server.identity.sightings import Sightings
from guru_server.identity.signing_in import address_of
from guru_server.provisioning import people as provisioned
from guru_server.sso.claims import Vouched
from guru_server.sso.providers import Providers
from guru_server.sso.saml.partner import ANSWERS, METADATA, Partner

START, ON_THE_WAY = "__Host-guru-start", "__Host-guru-sso"
CALLBACK = "/auth/sso/callback"
MOST_CODE = 4_000
MOST_FIELDS = 20                        # of a form


class _Stop(NamedTuple):
    """Whom a stop is about."""

    attempt: Attempt
    book: Rulebook
    provider: HeldProvider


class Way:
    """The stops. Each looks at what was there before it, and passes on what only it could know."""

    def __init__(
        self, lobby: Lobby, providers: Providers, partner: Partner, sightings: Sightings | None = None
    ) -> None:
        self._lobby, self._desk, self._sightings = lobby, lobby.desk, sightings
        self._providers, self._partner = providers, partner

    def routes(self) -> list[Route]:
        """Outside of the API: browsers have no token."""
        return [
            Route("/auth/sso/start", self._start, methods=["GET"], include_in_schema=False),
            Route("/auth/sso/go", self._go, methods=["GET"], include_in_schema=False),
            Route(CALLBACK, self._callback, methods=["GET"], include_in_schema=False),
            Route(ANSWERS, self._posted, methods=["POST"], include_in_schema=False),
            Route(METADATA, self._metadata, methods=["GET"], include_in_schema=False),
        ]

    async def _start(self, request: Request) -> Response:
        """The page that says who asked; the way on from it is for this browser alone."""
        ident, word = request.query_params.get("attempt", "")[:64], secrets.token_urlsafe(32)
        try:
            self._lobby.looks.take(address_of(request), self._desk.clock())
            stop = await self._stop(ident, browser=word)
        except GuruError as error:
            return _told(error)
        saml = stop.provider.saml
        place = urlsplit(saml.sign_on if saml else stop.provider.issuer).hostname or ""
        words = Words("Sign in", f"A command line wants to sign in by {stop.provider.title}.", f"Go on to {place}",
                      stop.attempt.client, stop.attempt.address, stop.attempt.check)
        page = HTMLResponse(link_page(f"go?attempt={ident}", words),
                            headers={"content-security-policy": QUIET_POLICY})
        _set(page, START, word, "strict")
        return page

    async def _go(self, request: Request) -> Response:
        """Off to the provider."""
        ident, word = request.query_params.get("attempt", "")[:64], request.cookies.get(START, "")
        try:
            self._lobby.looks.take(address_of(request), self._desk.clock())
            stop = await self._stop(ident)
            _same_browser(stop.attempt, word)
            if saml := stop.provider.saml:
                place = self._partner.address(saml, stop.attempt.id, self._desk.clock())
            else:
                place = await self._providers.address(stop.provider, stop.attempt, stop.book.sign_in.session)
        except GuruError as error:
            return _told(error)
        away = RedirectResponse(place, 303)
        _set(away, ON_THE_WAY, word, "none" if saml else "lax")
        return away

    async def _metadata(self, request: Request) -> Response:
        """What a provider of SAML has to know of this door."""
        return Response(self._partner.metadata(), media_type="application/samlmetadata+xml")

    async def _callback(self, request: Request) -> Response:
        return await self._back(request, self._answered)

    async def _posted(self, request: Request) -> Response:
        return await self._back(request, self._asserted)

    async def _back(self, request: Request, shown: Callable[[Request, int], Awaitable[str]]) -> Response:
        """Back from the provider: the browser goes on to the client on its own machine."""
        address, now = address_of(request), self._desk.clock()
        try:
            self._lobby.looks.take(address, now)
            place = await shown(request, now)
        except GuruError as error:
            if self._sightings and isinstance(error, NotSignedIn | Unreachable):
                await self._sightings.refused(request, address, "SignInFailed", "sso", error)
            return _told(error)
        onwards = RedirectResponse(place, 303)
        for name in (START, ON_THE_WAY):
            onwards.delete_cookie(name, secure=True, httponly=True)
        return onwards

    async def _answered(self, request: Request, now: int) -> str:
        """A code of OpenID Connect."""
        words = request.query_params
        code = words.get("code", "")
        stop = await self._returned(request, words.get("state", ""), self._providers.state)
        await self._providers.check_issuer(stop.provider, words.get("iss"))
        if words.get("error") or not 0 < len(code) <= MOST_CODE:
            raise NotSignedIn("the provider signed nobody in", hint="begin again in your terminal")
        await self._stop(stop.attempt.id, spend=True)
        shown = await self._providers.redeem(
            stop.provider, stop.book, stop.attempt.id, code, max_age=stop.book.sign_in.session, now=now)
        return await self._admitted(stop, shown, now)

    async def _asserted(self, request: Request, now: int) -> str:
        """A response of SAML."""
        form = _form(await request.body())
        stop = await self._returned(request, form.get("RelayState", ""), self._partner.relay)
        await self._stop(stop.attempt.id, spend=True)
        shown = await self._partner.redeem(
            stop.provider, stop.book, stop.attempt.id, form.get("SAMLResponse", ""),
            max_age=stop.book.sign_in.session, now=now)
        return await self._admitted(stop, shown, now)

    async def _returned(self, request: Request, state: str, mark: Callable[[str], str]) -> _Stop:
        """The attempt that an answer belongs to, in the browser that it went out from."""
        ident = state.partition(".")[0][:64]
        if not hmac.compare_digest(state.encode(), mark(ident).encode()):
            raise NotSignedIn("this answer belongs to no sign-in of this server", hint="begin again in your terminal")
        stop = await self._stop(ident)
        _same_browser(stop.attempt, request.cookies.get(ON_THE_WAY, ""))
        return stop

    async def _admitted(self, stop: _Stop, shown: Vouched, now: int) -> str:
        desk = self._desk

        def work(connection: Connection) -> str:
            found = attempts.find(connection, desk.tenant, stop.attempt.id, "sso", now=now)
            name = shown.name or provisioned.signs_in(
                connection, desk.tenant, stop.book, stop.provider, shown.subject)
            desk.admit(accounts.find(connection, desk.tenant, name), stop.book, name)
            return self._finished(connection, found, stop.provider, shown._replace(name=name))

        return await desk.db.write(work)

    def _finished(self, connection: Connection, found: Attempt, provider: HeldProvider, shown: Vouched) -> str:
        details = {"provider": provider.name, "groups": list(shown.groups)}
        return attempts.finish(connection, self._desk.tenant, found, shown.name, details, shown.mfa_at)

    async def _stop(self, ident: str, *, browser: str = "", spend: bool = False) -> _Stop:
        """The attempt as it stands; with `browser` bound to that one, with `spend` its answer is there. NotFound."""
        desk, now = self._desk, self._desk.clock()

        def work(connection: Connection) -> _Stop:
            found = attempts.find(connection, desk.tenant, ident, "sso", now=now)
            book = desk.holding.book(connection, desk.tenant)
            provider = chosen(book, str(found.details["provider"]))
            if found.details.get("spent"):
                raise NotSignedIn("this sign-in was answered before", hint="begin again in your terminal")
            if browser:
                found = found._replace(details={**found.details, "browser": _digest(browser)})
            if spend:
                found = found._replace(details={**found.details, "spent": True})
            if browser or spend:
                attempts.remember(connection, desk.tenant, ident, found.details)
            return _Stop(found, book, provider)

        return await desk.db.write(work)


def _same_browser(attempt: Attempt, word: str) -> None:
    if not hmac.compare_digest(str(attempt.details.get("browser", "")), _digest(word)):
        raise NotSignedIn("this is not the browser that began", hint="open the page that your terminal names")


def _set(answer: Response, name: str, word: str, site: Literal["strict", "lax", "none"]) -> None:
    answer.set_cookie(name, word, max_age=attempts.LIFE // 1000, secure=True, httponly=True, path="/", samesite=site)


def _form(body: bytes) -> dict[str, str]:
    try:
        fields = parse_qsl(body.decode("ascii"), max_num_fields=MOST_FIELDS)
    except ValueError as cause:
        raise NotSignedIn("the provider's answer is no form") from cause
    form = dict(fields)
    if len(form) != len(fields):
        raise NotSignedIn("the provider's answer says something twice")
    return form


def _told(error: GuruError) -> Response:
    text = " ".join(f"{one[:1].upper()}{one[1:]}." for one in (error.message, error.hint) if one)
    status = 503 if isinstance(error, Unreachable) else 400
    return HTMLResponse(told_page("This does not go on", text), status, {"content-security-policy": QUIET_POLICY})


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()
