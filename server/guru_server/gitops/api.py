"""POST /api/v1/webhooks/{forge}: a signed word that something was pushed. It only ever leads to a fetch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from guru_policy.errors import InputInvalid, NotSignedIn
from guru_server.api.late import late_router
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.gitops.store import remember_delivery
from guru_server.gitops.webhook import MAX_BODY, Forge, verified
from guru_server.store.database import Database
from guru_wire.operator import Answer


class Heard(Answer):
    """What became of a word from a Git host; one of both."""

    fetching: bool = False
    ignored: str = ""


Refused = Callable[[Request, Forge, NotSignedIn], Awaitable[None]]


def webhooks(
    db: Database, bus: Bus, *, branch: str, secrets: Mapping[Forge, str], now: Clock, refused: Refused | None = None
) -> APIRouter:
    """The router, without authentication: the signature is it. A forge without a secret is refused.

    `refused` is told of those whose signature is wrong.
    """
    router = late_router(prefix="/webhooks", tags=["webhooks"])

    @router.post("/{forge}", status_code=202, response_model=Heard)
    async def delivered(forge: Forge, request: Request) -> JSONResponse:
        """Fetch soon, when this is a genuine push to the watched branch that was not seen before."""
        body = await _body(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            delivery = verified(forge, secrets.get(forge, ""), headers, body, now())
        except NotSignedIn as error:
            if refused:
                await refused(request, forge, error)
            raise
        at = now()
        key = (db.tenant, forge, delivery.id)
        if not await db.write(lambda connection: remember_delivery(connection, *key, at)):
            return _ignored("replay")
        if delivery.branch is None:
            return _ignored("event")
        if delivery.branch != branch:
            return _ignored("branch")
        await bus.publish("git")
        return JSONResponse({"apiVersion": "guru/v1", "fetching": True}, 202)

    return router


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise InputInvalid("the webhook's payload is too large", hint=f"{MAX_BODY} bytes are the most")
    return bytes(body)


def _ignored(why: str) -> JSONResponse:
    return JSONResponse({"apiVersion": "guru/v1", "ignored": why}, 202)
