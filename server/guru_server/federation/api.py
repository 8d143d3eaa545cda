"""The token endpoint: forms in, OAuth's own answers out (RFC 6749, 5; RFC 8693). It decides nothing itself."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.routing import Route

from guru_policy.errors import GuruError, InputInvalid, NotSignedIn, Unreachable
from guru_policy.kinds.role import VERBS
from guru_policy.model import Carried
from guru_server.api.late import late_router
from guru_server.federation.exchanging import LIFE, Exchange
from guru_server.identity.clients import Clients
from guru_server.identity.rates import Rates
from guru_server.identity.sightings import Sightings
from guru_server.identity.signing_in import address_of

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
TAKEN = frozenset({"urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:jwt"})
MOST = 32_768                           # bytes of a form


_BODY = {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": {
    "type": "object", "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "enum": [EXCHANGE, "client_credentials"]},
        "scope": {"type": "string", "description": "of client_credentials: verbs with spaces between"},
        "client_secret": {"type": "string", "maxLength": 200}, "subject_token": {"type": "string", "maxLength": MOST},
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
    scope: str = ""


class TokenRefused(Carried):
    """An error of OAuth's (RFC 6749, 5.2)."""

    error: str
    error_description: str


def public_router(exchange: Exchange, clients: Clients, sightings: Sightings | None = None) -> APIRouter:
    """Where a job's token is exchanged, and a client's secret; they themselves are what lets in."""
    router = late_router(tags=["sign-in"])
    failures = Rates(burst=30, rate=0.5)

    async def _client(request: Request, form: dict[str, str]) -> Response:
        """RFC 6749, 4.4 and 2.3.1."""
        given, address, now = _credentials(request, form), address_of(request), exchange.clock()
        if given is None:
            return _refusal("invalid_request", "name the client once: by HTTP Basic, or by client_id and client_secret")
        failures.check(address, now)
        try:
            made = await clients.grant(*given, form.get("scope", ""), request.client.host if request.client else "")
        except NotSignedIn as error:
            failures.count(address, now)
            if sightings:
                await sightings.refused(request, address, "SignInFailed", "client", error)
            return _refusal("invalid_client", error.message, 401)
        except InputInvalid as error:
            return _refusal("invalid_scope", error.message)
        return JSONResponse({"access_token": made.text, "issued_token_type": ACCESS, "token_type": "Bearer",
                             "expires_in": LIFE, "scope": " ".join(made.verbs)}, headers=_UNKEPT)

    @router.post("/token", response_model=TokenGranted, openapi_extra={"requestBody": _BODY}, responses={
        400: {"model": TokenRefused, "description": "It is refused (RFC 6749, 5.2)"},
        401: {"model": TokenRefused, "description": "The client is not known, or its secret is another"},
        503: {"model": TokenRefused, "description": "The issuer cannot be asked now"},
    })
    async def token(request: Request) -> Response:
        """An access token of 15 minutes: for the OIDC token of a job (RFC 8693), or a client's secret (RFC 6749)."""
        form = _form(await request.body())
        if form is None or "grant_type" not in form:
            return _refusal("invalid_request", "send a form in which no field stands twice, with grant_type")
        if form["grant_type"] == "client_credentials":
            return await _client(request, form)
        if form["grant_type"] != EXCHANGE:
            return _refusal("unsupported_grant_type", "token exchange and client credentials are taken here")
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


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str] | None:
    """The client's id and secret, by one of two ways; None for none or both."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    inside = form.get("client_id", ""), form.get("client_secret", "")
    if not scheme:
        return inside if all(inside) else None
    try:
        user, colon, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except ValueError:
        return None
    if scheme.lower() != "basic" or not colon or inside[1] or inside[0] not in ("", user):
        return None
    return unquote_plus(user), unquote_plus(secret)


def _refusal(error: str, why: str, status: int = 400) -> Response:
    more = {"www-authenticate": 'Basic realm="guru"'} if status == 401 else {}
    return JSONResponse({"error": error, "error_description": why}, status, headers={**_UNKEPT, **more})


def described(url: str) -> Route:
    """RFC 8414: where tokens are had, and how."""
    about = {
        "issuer": url, "token_endpoint": f"{url}/api/v1/token", "response_types_supported": [],
        "grant_types_supported": ["client_credentials", EXCHANGE], "scopes_supported": list(VERBS),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
    }

    async def document(request: Request) -> Response:
        return JSONResponse(about)

    return Route("/.well-known/oauth-authorization-server", document, methods=["GET"], include_in_schema=False)
