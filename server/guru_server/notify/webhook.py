"""Tells an HTTP endpoint, signed after Standard Webhooks. It follows no redirect, and it trusts no answer.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson
from pydantic import SecretStr

from guru_policy.errors import Undelivered
from guru_policy.kinds.notification_channel import Webhook
from guru_server.gateway.plain import plain
from guru_server.notify.channels import Message
from guru_server.notify.reaching import reached

if TYPE_CHECKING:
    import httpx

ANSWER_MOST = 64 * 1024                 # bytes read of an answer, so that the connection ends cleanly
CONNECT, TOTAL = 5.0, 15.0              # seconds
_PORTS = {"http": 80, "https": 443}
SLOW_DOWN = frozenset({408, 425, 429})  # these client errors may pass; others say that the note is unwelcome


class Webhooks:
    """Delivers to webhooks. The HTTP client is made with the first delivery."""

    def __init__(
        self, secrets: Mapping[str, SecretStr], *, private: bool = True, patience: float = TOTAL
    ) -> None:
        self._secrets, self._private, self._patience = secrets, private, patience
        self._client: httpx.AsyncClient | None = None

    async def deliver(self, channel: Webhook, message: Message) -> int:
        """Post the message; the status that it was answered with. Undelivered unless that is 2xx."""
        import httpx

        body = orjson.dumps(message.payload)
        url = _checked(channel.url)
        headers = {"content-type": message.content_type, **self._signed(channel, message, body)}
        client = self._client = self._client or httpx.AsyncClient(
            timeout=httpx.Timeout(TOTAL, connect=CONNECT), follow_redirects=False, trust_env=False,
            headers={"user-agent": "GuruRMM", "accept": "*/*"},
            # Connections are known by address, so one that was checked for a name must not serve another.
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        try:
            async with asyncio.timeout(self._patience):     # httpx counts each step by itself
                at, named = httpx.URL(url), urlsplit(url)
                address = await reached(at.host, at.port or _PORTS[at.scheme], inside=self._private)
                async with client.stream(
                    "POST", at.copy_with(host=address), content=body,
                    headers={**headers, "host": named.netloc}, extensions={"sni_hostname": at.host},
                ) as answer:
                    await _drain(answer)
        except TimeoutError as cause:
            raise Undelivered(f"the webhook at {_shown(url)} took too long") from cause
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as cause:
            said = plain(str(cause)) or type(cause).__name__
            raise Undelivered(f"the webhook at {_shown(url)} does not answer: {said}") from cause
        _judge(answer.status_code, _shown(url))
        return answer.status_code

    async def close(self) -> None:
        """Let go of every connection."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _signed(self, channel: Webhook, message: Message, body: bytes) -> dict[str, str]:
        sent = str(message.sent_at // 1000)
        headers = {"webhook-id": message.id, "webhook-timestamp": sent, "idempotency-key": message.id}
        if channel.sign is not None:
            secret = self._secrets.get(channel.sign)
            if secret is None:
                raise Undelivered(
                    f"the server has no secret {channel.sign!r} to sign this webhook with",
                    hint=f"set notify.secrets.{channel.sign} in the server's settings",
                )
            headers["webhook-signature"] = sign(secret, message.id, sent, body)
        return headers


def sign(secret: SecretStr, message_id: str, timestamp: str, body: bytes) -> str:
    """The value of `webhook-signature`: v1 and the HMAC-SHA256 of id.timestamp.body in base64.

    A secret that begins with whsec_ is base64 after that, as the standard has it; any other is taken as text.
    """
    text = secret.get_secret_value()
    if text.startswith("whsec_"):
        try:
            key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except binascii.Error as cause:
            raise Undelivered("a secret in notify.secrets begins with whsec_ and is not base64") from cause
    else:
        key = text.encode()
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _checked(url: str) -> str:
    """The URL when it can be posted to."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise Undelivered("the webhook's url is not an http:// or https:// address", again=False)
    return url


def _shown(url: str) -> str:
    """The URL without what may be secret in it: user, path and query."""
    parts = urlsplit(url)
    return plain(f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else ""))


async def _drain(answer: httpx.Response) -> None:
    read = 0
    async for chunk in answer.aiter_raw():
        read += len(chunk)
        if read > ANSWER_MOST:
            return


def _judge(status: int, where: str) -> None:
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise Undelivered(
            f"the webhook at {where} answered {status}; redirects are not followed",
            hint="give the channel the final address", again=False, status=status,
        )
    final = 400 <= status < 500 and status not in SLOW_DOWN
    raise Undelivered(f"the webhook at {where} answered {status}", again=not final, status=status)
