"""What a forge's webhook proves and says. Pure: a payload is untrusted and only ever leads to a fetch.

GitHub:  X-Hub-Signature-256, `sha256=` and hex of HMAC-SHA256 over the body
Gitea:   X-Gitea-Signature, Forgejo: X-Forgejo-Signature (or Gitea's); hex of the same
GitLab:  `webhook-signature` of Standard Webhooks, `v1,` and base64 over id.timestamp.body; or the older
         X-Gitlab-Token, the secret itself
GitHub, Gitea and Forgejo sign neither the delivery's id nor a time: ids are remembered against repeats, and a
forged id gains nothing but one more fetch of what the remote holds anyway.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Literal, NamedTuple
from urllib.parse import parse_qs

from guru_policy.errors import InputInvalid, NotSignedIn

Forge = Literal["github", "gitea", "forgejo", "gitlab"]
MAX_BODY = 5 << 20                      # bytes
TOLERANCE = 300                         # seconds a signed time may be off (Standard Webhooks)
_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_EVENT = {forge: f"x-{forge}-event" for forge in ("github", "gitea", "forgejo", "gitlab")}
_DELIVERY = {
    "github": ("x-github-delivery",),
    "gitea": ("x-gitea-delivery",),
    "forgejo": ("x-forgejo-delivery", "x-gitea-delivery"),
    "gitlab": ("webhook-id", "x-gitlab-event-uuid"),
}


class Delivery(NamedTuple):
    """A genuine delivery. `branch` is None for anything but a push to a branch."""

    id: str
    branch: str | None


def verified(forge: Forge, secret: str, headers: Mapping[str, str], body: bytes, now: int) -> Delivery:
    """The delivery; `headers` have lower-case names, `now` is ms UTC.

    Raises NotSignedIn for a bad or missing signature, InputInvalid for a signed body that is not a payload.
    """
    if not secret or not _genuine(forge, secret, headers, body, now // 1000):
        raise NotSignedIn(
            f"the signature of this {forge} webhook is missing or wrong",
            hint="set the same secret in the forge and as `webhook_secret` of the server",
        )
    given = next((headers[name] for name in _DELIVERY[forge] if headers.get(name)), "")
    delivery = given if _ID.fullmatch(given) else hashlib.sha256(body).hexdigest()
    event = headers.get(_EVENT[forge], headers.get("x-gitea-event", ""))
    if event and event.lower() not in ("push", "push hook"):
        return Delivery(delivery, None)
    return Delivery(delivery, _branch(body, headers.get("content-type", "")))


def _genuine(forge: Forge, secret: str, headers: Mapping[str, str], body: bytes, now: int) -> bool:
    if forge == "gitlab":
        if "webhook-signature" in headers:
            return _standard(secret, headers, body, now)
        return _same(headers.get("x-gitlab-token", ""), secret)
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if forge == "github":
        return _same(headers.get("x-hub-signature-256", ""), f"sha256={expected}")
    names = ("x-forgejo-signature", "x-gitea-signature") if forge == "forgejo" else ("x-gitea-signature",)
    return _same(next((headers[name] for name in names if name in headers), ""), expected)


def _standard(secret: str, headers: Mapping[str, str], body: bytes, now: int) -> bool:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
    stamp, ident = headers.get("webhook-timestamp", ""), headers.get("webhook-id", "")
    if not re.fullmatch(r"[0-9]{1,12}", stamp) or abs(int(stamp) - now) > TOLERANCE or not ident:
        return False
    signed = f"{ident}.{stamp}.".encode() + body
    expected = base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()
    offered = headers["webhook-signature"].split()[:16]
    return any(_same(one, f"v1,{expected}") for one in offered)


def _key(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return secret.encode()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def _branch(body: bytes, content_type: str) -> str | None:
    try:
        if content_type.startswith("application/x-www-form-urlencoded"):
            body = parse_qs(body.decode(), max_num_fields=10).get("payload", [""])[0].encode()
        payload = json.loads(body)
    except (ValueError, RecursionError) as cause:
        raise InputInvalid("the webhook's payload is not JSON", hint="choose application/json") from cause
    ref = payload.get("ref") if isinstance(payload, dict) else None
    return ref.removeprefix("refs/heads/") if isinstance(ref, str) and ref.startswith("refs/heads/") else None
