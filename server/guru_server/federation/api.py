"""The token endpoint: forms in, OAuth's own answers out (RFC 6749, 5; RFC 8693). It decides nothing itself."""

from __future__ import annotations

from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from guru_policy.errors import GuruError, NotSignedIn, Unreachable
from guru_policy.model import Carried
from guru_server.federation.exchanging import LIFE, Exchange
from guru_server.identity.rates import Rates
from guru_server.identity.sightings import Sightings
from guru_server.identity.signing_in import address_of

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
TAKEN = frozenset({"urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:jwt"})
MOST = 32_768                           # bytes of a form


_BODY = {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": {
    "type": "object", "required": ["grant_type", "subject_token", "subject_token_type"],
    "properties": {
        "grant_type": {"type": "string", "enum": [EXCHANGE]}, "subject_token": {"type": "string", "maxLength": MOST},
        "subject_token_type": {"type": "string", "enum": sorted(TAKEN)},
        "client_id": {"type": "string", "maxLength": 128, "description": "the ServiceAccount, when several trust it"},
    },
}}}}


class TokenGranted(Carried):
    """An access token (RFC 8693, 2.2.1); `expires_in` is in seconds."""

    access_token: str
    issued_token_type: str
    token_type: str
    expires_in: int


class TokenRefused(Carried):
    """An error of OAuth's (RFC 6749, 5.2)."""

    error: str
    error_description: str


def public_router(exchange: Exchange, sightings: Sightings | None = None) -> APIRouter:
    """Where a job's token is exchanged; the token itself is what lets in."""
    router = APIRouter(tags=["sign-in"])
    failures = Rates(burst=30, rate=0.5)

    @router.post("/token", response_model=TokenGranted, openapi_extra={"requestBody": _BODY}, responses={
        400: {"model": TokenRefused, "description": "It is refused (RFC 6749, 5.2)"},
        503: {"model": TokenRefused, "description": "The issuer cannot be asked now"},
    })
    async def token(request: Request) -> Response:
        """Exchange the OIDC token of a CI job for an access token of 15 minutes (RFC 8693)."""
        form = _form(await request.body())
        if form is None or "grant_type" not in form:
            return _refusal("invalid_request", "send a form in which no field stands twice, with grant_type")
        if form["grant_type"] != EXCHANGE:
            return _refusal("unsupported_grant_type", "only token exchange is taken here")
        subject, kind = form.get("subject_token", ""), form.get("subject_token_type", "")
        if not subject or kind not in TAKEN or form.get("requested_token_type", ACCESS) != ACCESS:
            return _refusal("invalid_request", "subject_token is an id_token, and an access_token is given for it")
        address, now = address_of(request), exchange.clock()
        failures.check(address, now)
        try:
            made = await exchange.exchange(subject, form.get("client_id", ""))
        except NotSignedIn as error:
            failures.count(address, now)
            await _told(sightings, request, address, error)
            return _refusal("invalid_grant", error.message)
        except Unreachable as error:
            failures.count(address, now)
            await _told(sightings, request, address, error)
            return _refusal("temporarily_unavailable", error.message, 503)
        return JSONResponse({
            "access_token": made, "issued_token_type": ACCESS, "token_type": "Bearer", "expires_in": LIFE,
        }, headers=_UNKEPT)

    return router


_UNKEPT = {"cache-control": "no-store", "pragma": "no-cache"}


async def _told(sightings: Sightings | None, request: Request, address: str, error: GuruError) -> None:
    if sightings:
        await sightings.refused(request, address, "SignInFailed", "service-account", error)


def _form(body: bytes) -> dict[str, str] | None:
    """The fields; None for what is no form, or has a field twice (RFC 6749, 3.2)."""
    try:
        if len(body) > MOST:
            return None
        fields = parse_qsl(body.decode("ascii"), max_num_fields=20, strict_parsing=True, errors="strict")
    except ValueError:
        return None
    return dict(fields) if len(dict(fields)) == len(fields) else None


def _refusal(error: str, why: str, status: int = 400) -> Response:
    return JSONResponse({"error": error, "error_description": why}, status, headers=_UNKEPT)
