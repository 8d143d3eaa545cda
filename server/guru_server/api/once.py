"""POST with an Idempotency-Key: carried out once, answered the same for a day. It knows no route.

Goes between the gate and the routes, so it knows who asks. What is kept of a request stands in `replays`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guru_policy.errors import Conflict, GuruError, InputInvalid
from guru_server.api.problems import answer, status_of
from guru_server.clock import Clock
from guru_server.replays import sealing, store
from guru_server.replays.store import AnswerLost, Asked, StillRunning
from guru_server.store.database import Database
from guru_server.store.within import WITHIN, Within

HEADER = "idempotency-key"
MOST = 256 << 10                        # bytes of an answer that is kept
_FORM = re.compile(r"[!-~]{16,128}")


@dataclass(frozen=True, slots=True)
class Keeping:
    """What keeps answers."""

    db: Database
    clock: Clock
    tenant: str


class Once:
    """The middleware."""

    def __init__(self, app: ASGIApp, *, keeping: Keeping) -> None:
        self._app, self._keeping = app, keeping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what has no key; else carry it out once."""
        request = Request(scope, receive) if scope["type"] == "http" else None
        key = request.headers.get(HEADER) if request else None
        person = getattr(request.state, "person", None) if request else None
        if request is None or key is None or person is None or request.method != "POST":
            await self._app(scope, receive, send)
            return
        try:
            said = await self._carried(request, key, person.actor, send)
        except GuruError as error:
            said = answer(request, error, status_of(error))
            if isinstance(error, StillRunning):
                said.headers["retry-after"] = "1"
        if said is not None:
            request.state.rights.asked = True       # it is a refusal, or was decided when it was first told
            await said(scope, receive, send)

    async def _carried(self, request: Request, key: str, actor: str, send: Send) -> Response | None:
        """What was answered before; None when the routes answered now."""
        if not _FORM.fullmatch(key):
            raise InputInvalid("an idempotency key is 16 to 128 visible characters", hint="a random UUID does")
        db, now = self._keeping.db, self._keeping.clock()
        body = await request.body()
        asked = Asked(self._keeping.tenant, actor, sealing.digest_of(key), _digest(request, body))
        attempt = secrets.token_hex(16)
        try:
            kept = await db.write(partial(store.begin, asked=asked, attempt=attempt, now=now))
        except Conflict as error:
            if isinstance(error, StillRunning | AnswerLost):
                raise
            raise StillRunning("the same request came just now", hint="ask again with the same key") from error
        if kept is not None:
            text = sealing.opened(key, actor, kept.sealed)
            headers = {"idempotency-replayed": "true"}
            return Response(text, kept.status, headers=headers, media_type="application/json")
        within = Within(partial(store.mark_done, asked=asked, attempt=attempt))
        token, told = WITHIN.set(within), _Told(send)
        try:
            await self._app(request.scope, _again(body, request.receive), told.send)
        finally:
            WITHIN.reset(token)
            within.ended = True
            if not within.done:
                await db.write(partial(store.let_go, asked=asked, attempt=attempt))
        if within.done and told.whole and told.status < 400:
            answered = store.Kept(told.status, sealing.sealed(key, actor, bytes(told.body)))
            await db.write(partial(store.keep, asked=asked, attempt=attempt, answer=answered))
        await told.flush()
        return None


class _Told:
    """An answer on its way out: held back until it is kept, passed on as it comes when it is too large for that."""

    def __init__(self, send: Send) -> None:
        self._send, self._held = send, list[Message]()
        self.status, self.body, self.whole = 0, bytearray(), False
        self._large = False

    async def send(self, message: Message) -> None:
        """Take a message of ASGI."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body += message.get("body", b"")
            self.whole = not message.get("more_body", False)
        self._held.append(message)
        if len(self.body) > MOST:
            self._large = True
            await self.flush()
            self.body.clear()
        if self._large:
            self.whole = False

    async def flush(self) -> None:
        """Pass on what was held back."""
        held, self._held = self._held, []
        for message in held:
            await self._send(message)


def _digest(request: Request, body: bytes) -> str:
    head = f"{request.method} {request.url.path}?{request.url.query}\n"
    return hashlib.sha256(head.encode() + body).hexdigest()


def _again(body: bytes, receive: Receive) -> Receive:
    """A receiver that gives the body that was read, then what still comes."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
