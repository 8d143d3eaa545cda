"""Webhooks of four forges, with the signatures that they really make."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine

from guru_policy.errors import InputInvalid, NotSignedIn
from guru_server.bus import LocalBus, Subscription
from guru_server.clock import SetClock
from guru_server.gitops.api import webhooks
from guru_server.gitops.tables import webhook_delivery
from guru_server.gitops.webhook import MAX_BODY, Delivery, Forge, verified
from guru_server.store.database import Database

SECRET = "correct-horse"
NOW = 1_700_000_000_000
PUSH = json.dumps({"ref": "refs/heads/main", "after": "0" * 40}).encode()


def mac(body: bytes, key: bytes = SECRET.encode()) -> bytes:
    return hmac.new(key, body, hashlib.sha256).digest()


def headers(forge: Forge, body: bytes = PUSH, delivery: str = "d-1") -> dict[str, str]:
    return {
        "github": {
            "x-hub-signature-256": f"sha256={mac(body).hex()}",
            "x-github-delivery": delivery,
            "x-github-event": "push",
        },
        "gitea": {
            "x-gitea-signature": mac(body).hex(),
            "x-gitea-delivery": delivery,
            "x-gitea-event": "push",
        },
        "forgejo": {
            "x-forgejo-signature": mac(body).hex(),
            "x-forgejo-delivery": delivery,
            "x-forgejo-event": "push",
        },
        "gitlab": {
            "x-gitlab-token": SECRET,
            "x-gitlab-event-uuid": delivery,
            "x-gitlab-event": "Push Hook",
        },
    }[forge]


def standard(body: bytes = PUSH, at: int = NOW // 1000, key: bytes = SECRET.encode()) -> dict[str, str]:
    signature = base64.b64encode(mac(f"msg_1.{at}.".encode() + body, key)).decode()
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(b'x' * 32).decode()} v1,{signature}",
        "x-gitlab-event": "Push Hook",
    }


FORGES: tuple[Forge, ...] = ("github", "gitea", "forgejo", "gitlab")


@pytest.mark.parametrize("forge", FORGES)
def test_a_genuine_push_names_its_delivery_and_branch(forge: Forge) -> None:
    assert verified(forge, SECRET, headers(forge), PUSH, NOW) == Delivery("d-1", "main")


@pytest.mark.parametrize("forge", FORGES)
def test_a_wrong_or_missing_signature_is_refused(forge: Forge) -> None:
    for given in ({}, headers(forge, b"other"), headers(forge)):
        secret = SECRET if given != headers(forge) else "another"
        if forge == "gitlab" and given:
            secret = "another"
        with pytest.raises(NotSignedIn):
            verified(forge, secret, given, PUSH, NOW)


@pytest.mark.parametrize("forge", FORGES)
def test_without_a_secret_nothing_is_genuine(forge: Forge) -> None:
    signed = {**headers(forge), "x-gitlab-token": "", "x-gitea-signature": mac(PUSH, b"").hex()}

    with pytest.raises(NotSignedIn):
        verified(forge, "", signed, PUSH, NOW)


def test_a_standard_webhook_of_gitlab_is_genuine_within_five_minutes() -> None:
    assert verified("gitlab", SECRET, standard(), PUSH, NOW) == Delivery("msg_1", "main")
    for at in (NOW // 1000 - 301, NOW // 1000 + 301):
        with pytest.raises(NotSignedIn):
            verified("gitlab", SECRET, standard(at=at), PUSH, NOW)


def test_a_secret_of_standard_webhooks_is_base64() -> None:
    key = b"0123456789abcdef01234567"
    secret = f"whsec_{base64.b64encode(key).decode()}"

    assert verified("gitlab", secret, standard(key=key), PUSH, NOW).branch == "main"


def test_a_broken_standard_signature_is_not_saved_by_a_token() -> None:
    given = {**standard(b"other"), "x-gitlab-token": SECRET}

    with pytest.raises(NotSignedIn):
        verified("gitlab", SECRET, given, PUSH, NOW)


def test_a_form_of_github_is_read_like_json() -> None:
    body = urlencode({"payload": PUSH.decode()}).encode()
    given = {**headers("github", body), "content-type": "application/x-www-form-urlencoded"}

    assert verified("github", SECRET, given, body, NOW).branch == "main"


def test_a_ping_is_no_push() -> None:
    given = {**headers("github"), "x-github-event": "ping"}

    assert verified("github", SECRET, given, PUSH, NOW) == Delivery("d-1", None)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_signed_body_that_is_not_json_is_invalid(body: bytes) -> None:
    with pytest.raises(InputInvalid):
        verified("github", SECRET, headers("github", body), body, NOW)


@pytest.mark.parametrize("payload", [[], {"ref": 3}, {"ref": "refs/tags/main"}, None])
def test_a_payload_without_a_branch_is_no_push(payload: Any) -> None:
    body = json.dumps(payload).encode()

    assert verified("github", SECRET, headers("github", body), body, NOW).branch is None


class Door:
    """The router on a real database and bus."""

    def __init__(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path / 'guru.db'}"
        engine = create_engine(url)
        webhook_delivery.create(engine)
        engine.dispose()
        self.db, self.bus, self.clock = Database.open(url), LocalBus(), SetClock(NOW)
        app = FastAPI()
        secrets: dict[Forge, str] = dict.fromkeys(FORGES, SECRET)
        app.include_router(webhooks(self.db, self.bus, branch="main", secrets=secrets, now=self.clock))
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://guru.example")
        self.asked: Subscription = self.bus.subscribe("git")

    async def post(self, forge: str, body: bytes, given: dict[str, str]) -> tuple[int, dict[str, Any]]:
        answer = await self.client.post(f"/webhooks/{forge}", content=body, headers=given)
        return answer.status_code, answer.json()

    @property
    def rang(self) -> bool:
        return self.asked._rang.is_set()


async def test_a_push_rings_for_a_fetch_and_its_replay_does_not(tmp_path: Path) -> None:
    door = Door(tmp_path)

    assert await door.post("github", PUSH, headers("github")) == (
        202, {"apiVersion": "guru/v1", "fetching": True}
    )
    assert door.rang
    await anext(door.asked)
    assert await door.post("github", PUSH, headers("github")) == (
        202, {"apiVersion": "guru/v1", "ignored": "replay"}
    )
    assert not door.rang
    await door.client.aclose()
    await door.db.close()


async def test_a_push_to_another_branch_is_ignored(tmp_path: Path) -> None:
    door = Door(tmp_path)
    body = json.dumps({"ref": "refs/heads/main2"}).encode()

    assert (await door.post("gitea", body, headers("gitea", body)))[1]["ignored"] == "branch"
    assert not door.rang
    await door.client.aclose()
    await door.db.close()


async def test_a_bad_signature_and_a_huge_body_change_nothing(tmp_path: Path) -> None:
    door = Door(tmp_path)

    with pytest.raises(NotSignedIn):
        await door.post("github", PUSH, {})
    with pytest.raises(InputInvalid):
        await door.post("github", b"x" * (MAX_BODY + 1), {})
    assert not door.rang
    assert await door.post("github", PUSH, headers("github")) == (
        202, {"apiVersion": "guru/v1", "fetching": True}
    )
    await door.client.aclose()
    await door.db.close()
