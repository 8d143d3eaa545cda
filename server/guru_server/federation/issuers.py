"""What pinned issuers publish: asked over TLS, bounded in size and time, and held for a while. It judges no token.

OpenID Connect Discovery 1.0, 4.3: the document must name the issuer that it was asked of. RFC 7517 for the keys.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import orjson

from guru_policy.errors import InputInvalid, NotSignedIn, Undelivered, Unreachable
from guru_server.clock import Clock
from guru_server.notify.reaching import reached

KNOWN = "/.well-known/openid-configuration"
MOST = 256 * 1024                       # bytes of a document
PATIENCE = 10.0                         # seconds for one
HELD = 3_600_000                        # ms that keys are believed without asking again
AGAIN = 60_000                          # ms between two looks for a key that is not there
KEYS = 100                              # of one issuer
KINDS = frozenset({"RSA", "EC", "OKP"})  # never `oct`: a shared secret proves nothing

Jwk = dict[str, Any]


class Held(NamedTuple):
    """What one issuer published, and when it was fetched. A single key without a name is kept under the empty one."""

    keys: dict[str, Jwk]
    at: int
    about: dict[str, Any]


class Issuers:
    """One process's memory of them. Only ask for issuers that the repository in force trusts."""

    def __init__(self, clock: Clock, *, private: bool = True, ca_file: Path | None = None) -> None:
        self._clock, self._private, self._ca = clock, private, ca_file
        self._held: dict[str, Held] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def key(self, issuer: str, name: str) -> Jwk:
        """The public key; NotSignedIn when the issuer has none of that name, Unreachable when it cannot be asked.

        A name that is not known is looked for once a minute at most: keys rotate, and anybody can make names up. The
        empty name is that of an issuer's only key.
        """
        held = await self._held_of(issuer, name)
        found = held.keys.get(name) if name else next(iter(held.keys.values())) if len(held.keys) == 1 else None
        if found is None:
            raise NotSignedIn("the issuer has no key of the name that the token gives")
        return found

    async def about(self, issuer: str) -> dict[str, Any]:
        """Its discovery document; Unreachable."""
        return (await self._held_of(issuer, "")).about

    async def post(self, url: str, form: dict[str, str], user: str, secret: str) -> tuple[int, dict[str, Any]]:
        """The status and the JSON object of what it answers to a form (RFC 6749, 2.3.1); Unreachable."""
        return await self._asked(url, form, f"{quote(user, safe='')}:{quote(secret, safe='')}" if secret else "")

    async def _held_of(self, issuer: str, name: str) -> Held:
        async with self._turns.setdefault(issuer, asyncio.Lock()):
            held, now = self._held.get(issuer), self._clock()
            old = held is None or now - held.at >= HELD
            if held is None or old or (name and name not in held.keys and now - held.at >= AGAIN):
                held = self._held[issuer] = await self._fetch(issuer, now)
        return held

    async def _fetch(self, issuer: str, now: int) -> Held:
        found = await self._document(issuer.rstrip("/") + KNOWN)
        if found.get("issuer") != issuer:
            raise Unreachable("the issuer's own document names another issuer")
        place = found.get("jwks_uri")
        if not isinstance(place, str):
            raise Unreachable("the issuer's own document does not say where its keys are")
        listed = (await self._document(place)).get("keys")
        if not isinstance(listed, list):
            raise Unreachable("the issuer's list of keys is none")
        usable = [one for one in listed[:KEYS] if isinstance(one, dict) and one.get("kty") in KINDS]
        names = [one.get("kid", "") for one in usable]
        return Held({
            name: one for name, one in zip(names, usable, strict=True)
            if isinstance(name, str) and names.count(name) == 1 and one.get("use", "sig") == "sig"
        }, now, found)

    async def _document(self, url: str) -> dict[str, Any]:
        status, found = await self._asked(url)
        if status != 200:
            raise Unreachable("the issuer did not answer with a JSON object")
        return found

    async def _asked(self, url: str, form: dict[str, str] | None = None, basic: str = "") -> tuple[int, dict[str, Any]]:
        """A JSON object from an https address; redirects are not followed."""
        import httpx

        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise Unreachable("the issuer's documents are not at an https address")
        headers = {"host": parts.netloc, "accept": "application/json", "user-agent": "GuruRMM"}
        if basic:
            headers["authorization"] = f"Basic {base64.b64encode(basic.encode()).decode()}"
        try:
            async with asyncio.timeout(PATIENCE):
                at = httpx.URL(url)
                address = await reached(at.host, at.port or 443, inside=self._private)
                async with httpx.AsyncClient(
                    timeout=PATIENCE, follow_redirects=False, trust_env=False, verify=_trusting(self._ca),
                ) as client, client.stream(
                    "GET" if form is None else "POST", at.copy_with(host=address), data=form, headers=headers,
                    extensions={"sni_hostname": at.host},
                ) as answer:
                    body = b""
                    async for chunk in answer.aiter_bytes(16_384):
                        body += chunk
                        if len(body) > MOST:
                            raise Unreachable("the issuer's document is too large")
            found = orjson.loads(body) if answer.status_code == 200 or form is not None else None
        except Undelivered as cause:
            raise Unreachable("the issuer's address is not known, or not one that the server may ask") from cause
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as cause:
            raise Unreachable(f"the issuer does not answer as it should: {type(cause).__name__}") from cause
        if not isinstance(found, dict):
            raise Unreachable("the issuer did not answer with a JSON object")
        return answer.status_code, found


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as cause:
        raise InputInvalid("federation.ca_file is not a readable PEM file") from cause
