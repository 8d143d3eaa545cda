"""The API client: one server, one token, plain answers. It prints nothing and keeps nothing.

    with Client("https://guru.example.com", token, ca=pem) as server:
        for device in server.devices("customer=acme"):
            ...
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import quote, unquote, urlencode

from guru_policy.errors import NotSignedIn, Unsupported, UsageWrong
from gurucli.answers import DeviceRow, Json, Page
from gurucli.problems import error_from
from gurucli.transport import HungUp, Reply, Wire, trusting

if TYPE_CHECKING:
    from gurucli.signed import Signed

API = "/api/v1"
PAGE = 1000                             # rows asked for at a time
DEVICES = 10_000                        # of devices: the server goes through all of them for every page
MAX_PAGES = 10_000
TRIES = 6                               # of one request
PATIENT = {409, 429, 503}               # answers that may say when to ask again
ShapeT = TypeVar("ShapeT")
Trace = Callable[[str], None]


class Client:
    """One server. Every method raises a GuruError: the server's own, or Unreachable, NotSignedIn, Untrusted.
    """

    def __init__(
        self, url: str, token: str = "", *, ca: str = "", timeout: float = 30.0, trace: Trace | None = None,
        ticket: str = "", signed: Signed | None = None, sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url, self._ticket, self._signed = url, ticket, signed
        self._patience, self._sleep = timeout, sleep
        self._token = token
        self._wire = Wire(url, trusting(ca), timeout)
        self._trace = trace
        self.skew: float | None = None  # seconds that the server's clock is ahead, by its newest answer

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._wire.close()

    def get(self, shape: type[ShapeT], path: str, /, **query: object) -> ShapeT:
        """The answer to GET `path` under the API, checked to have the members of `shape`."""
        return shaped(shape, self.call("GET", path, query=query))

    def post(self, shape: type[ShapeT], path: str, body: Mapping[str, object]) -> ShapeT:
        """The answer to POST `path` with a JSON body; carried out once, however often it had to be sent."""
        return shaped(shape, self.call("POST", path, body=body))

    def delete(self, shape: type[ShapeT], path: str) -> ShapeT:
        """The answer to DELETE `path`."""
        return shaped(shape, self.call("DELETE", path))

    def bring(self, path: str) -> bytes:
        """The bytes that GET `path` under the API answers."""
        return self.request("GET", API + path).body

    def fill(self, path: str, data: bytes) -> None:
        """PUT these bytes to `path` under the API."""
        self.request("PUT", API + path, raw=data)

    def pages(
        self, path: str, /, *, limit: int = 0, page_size: int = PAGE, **query: object
    ) -> Iterator[Page[Json]]:
        """The pages of a list until its end, or until `limit` rows came."""
        cursor, left = "", limit
        for _ in range(MAX_PAGES):
            count = min(left, page_size) if limit else page_size
            page = cast("Page[Json]", self.get(Page, path, limit=count, cursor=cursor, **query))
            yield page
            left -= len(page["items"])
            cursor = page.get("next") or ""
            if not cursor or (limit and left <= 0):
                return
        raise Unsupported("the server's list has no end", hint="narrow it down, for example with -l")

    def device_pages(self, selector: str = "", *, state: str = "", limit: int = 0) -> Iterator[Page[DeviceRow]]:
        """The devices that the selector matches, or the first `limit` of them; long pages, as they are many."""
        for page in self.pages("/devices", limit=limit, page_size=DEVICES, selector=selector, state=state):
            yield cast("Page[DeviceRow]", page)

    def devices(self, selector: str = "", *, state: str = "", limit: int = 0) -> Iterator[DeviceRow]:
        """Their rows."""
        for page in self.device_pages(selector, state=state, limit=limit):
            yield from page["items"]

    def call(
        self, method: str, path: str, *, query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Json:
        """Any request under the API; the decoded JSON answer, or None when there is none."""
        reply = self.request(method, API + path, query=query, body=body)
        if not reply.body:
            return None
        try:
            return cast("Json", json.loads(reply.body))
        except (ValueError, RecursionError) as cause:
            hint = "is that address a guru server, and is nothing between?"
            raise Unsupported("the server's answer is not JSON", hint=hint) from cause

    def request(
        self, method: str, path: str, *, query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None, raw: bytes | None = None,
    ) -> Reply:
        """One request to a path of the server, with JSON or `raw` bytes; answers of 400 and above are raised."""
        words = {key: value for key, value in (query or {}).items() if value not in ("", None)}
        target = path + ("?" + urlencode(words) if words else "")
        data = raw if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json", "User-Agent": "guru"}
        if method == "POST":
            headers["Idempotency-Key"] = os.urandom(16).hex()
        if self._token and self._signed is None:
            headers["Authorization"] = f"Bearer {_header_safe(self._token)}"
        if self._ticket:
            headers["Guru-Ticket"] = _ticket(self._ticket)
        if data is not None:
            headers["Content-Type"] = "application/json" if raw is None else "application/octet-stream"
        began = time.monotonic()
        secret = "  Authorization: Bearer ***" if self._token or self._signed else ""
        self._say(f"> {method} {self.url.rstrip('/')}{target}{secret}")
        reply = self._insisted(method, target, headers, data)
        if reply.status == 401 and self._signed is not None:    # a clock that is wrong, or a token that ended meanwhile
            self._signed.ahead = _skew(reply.date) or 0.0
            self._signed.spoil()
            reply = self._insisted(method, target, headers, data)
        self._say(f"< {reply.status} {(time.monotonic() - began) * 1000:.0f} ms, {len(reply.body)} bytes")
        self.skew = _skew(reply.date)
        if reply.status >= 400:
            raise error_from(reply.status, reply.body)
        if reply.status >= 300:
            raise Unsupported(f"the server answered {reply.status}, a redirection",
                              hint="sign in at the new address")
        return reply

    def _insisted(self, method: str, target: str, headers: dict[str, str], data: bytes | None) -> Reply:
        """Send it, and again while an answer got lost or the server asks for patience, within the time limit."""
        until = time.monotonic() + self._patience
        path = unquote(target.partition("?")[0])
        for number in range(TRIES):
            last = number == TRIES - 1
            proved = self._signed.headers(self._wire, method, path) if self._signed else {}     # each is good once
            try:
                reply = self._wire.send(method, target, {**headers, **proved}, data)
            except HungUp:
                pause = 0.2 * 2**number
                if last or method != "POST" or time.monotonic() + pause > until:
                    raise
            else:
                asked = _patience(reply)
                if last or asked is None or time.monotonic() + asked > until:
                    return reply
                pause = asked
            self._say(f"! again in {pause:.1f} s")
            self._sleep(pause)
        raise AssertionError("the last try returns or raises")

    def certificate(self) -> dict[str, object]:
        """The server's verified certificate, while the connection is open."""
        return self._wire.certificate()

    def _say(self, line: str) -> None:
        if self._trace is not None:
            self._trace(line)


def shaped(shape: type[ShapeT], answer: Json) -> ShapeT:
    """The answer, when it is an object with every member of the TypedDict; Unsupported otherwise."""
    needed: frozenset[str] = getattr(shape, "__required_keys__", frozenset())
    if not isinstance(answer, dict):
        raise Unsupported("the server answered something that is not an object")
    missing = sorted(needed - answer.keys() - {"apiVersion", "next"})
    if missing:
        hint = "the server is older than this guru, or not a guru server; `guru doctor` compares versions"
        raise Unsupported(f"the server's answer lacks {', '.join(missing)}", hint=hint)
    return cast("ShapeT", answer)


def part(text: str) -> str:
    """One or more path segments from a person, quoted; slashes stay, so that customer/site/name works."""
    quoted = quote(text, safe="/@:")
    return "/".join("%2E" * len(p) if p in (".", "..") else p for p in quoted.split("/"))


def _header_safe(token: str) -> str:
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise NotSignedIn("the token has characters that no token has", hint="copy it again, as one word")
    return token


def _ticket(text: str) -> str:
    if not (text.isascii() and text.isprintable()) or len(text) > 64:
        raise UsageWrong(f"{text[:64]!r} cannot be a ticket's id", hint="such as T-1042")
    return text


def _patience(reply: Reply) -> float | None:
    """The seconds after which to ask again; None when the answer is one to take."""
    text = reply.retry_after
    return float(text) if reply.status in PATIENT and text.isascii() and text.isdigit() and len(text) < 6 else None


def _skew(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time() if date else None
    except (TypeError, ValueError):
        return None
