"""A push told by a signed webhook: devices have it long before the next poll. Real processes, each forge."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator

import httpx
import pytest

from tools.lab.office import device, holds, note, office, settle
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.e2e

POLL = 3600                             # seconds: whatever arrives here came by a webhook
SECRETS = {forge: f"{forge} and nobody else" for forge in ("github", "gitea", "forgejo", "gitlab")}
PATH = "/etc/office/note.txt"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server that would poll once an hour."""
    settings = {f"GURU_SERVER_WEBHOOKS__{forge.upper()}": secret for forge, secret in SECRETS.items()}
    settings["GURU_SERVER_GIT__POLL"] = str(POLL)
    with office(tmp_path_factory.mktemp("webhooks"), settings=settings) as made:
        yield made


@pytest.fixture(scope="module")
def place(world: World) -> AgentPlace:
    return settle(world, "acme-pc01")


def signed(forge: str, secret: str, delivery: str, body: bytes) -> dict[str, str]:
    """The headers with which the forge delivers this body."""
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if forge == "github":
        return {"x-github-event": "push", "x-github-delivery": delivery, "x-hub-signature-256": f"sha256={mac}"}
    if forge in ("gitea", "forgejo"):
        return {f"x-{forge}-event": "push", f"x-{forge}-delivery": delivery, f"x-{forge}-signature": mac}
    stamp = str(int(time.time()))
    text = f"{delivery}.{stamp}.".encode() + body
    standard = base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()
    return {
        "x-gitlab-event": "Push Hook", "webhook-id": delivery, "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{standard}",
    }


def deliver(world: World, forge: str, headers: dict[str, str], body: bytes) -> httpx.Response:
    return httpx.post(
        f"{world.url}/api/v1/webhooks/{forge}", content=body, verify=world.trust(),
        headers={"content-type": "application/json", **headers},
    )


def payload(revision: str) -> bytes:
    return json.dumps({"ref": "refs/heads/main", "after": revision}).encode()


@pytest.mark.parametrize("forge", SECRETS)
def test_a_signed_push_converges_long_before_the_next_poll(
    world: World, place: AgentPlace, forge: str
) -> None:
    revision = world.remote.push(f"Tell by {forge}", {"org/note.yaml": note(PATH, forge)})
    body = payload(revision)

    answer = deliver(world, forge, signed(forge, SECRETS[forge], f"push-{forge}", body), body)
    wait_until("the device has it", lambda: holds(place, PATH, forge), 30)
    wait_until("it says so", lambda: device(world, place.name)["applied_revision"] == revision, 30)

    assert (answer.status_code, answer.json()["fetching"]) == (202, True)


def test_neither_a_bad_signature_nor_a_replay_leads_to_a_fetch(world: World, place: AgentPlace) -> None:
    seen = world.remote.push("This one is told")
    body = payload(seen)
    good = signed("github", SECRETS["github"], "once", body)
    assert deliver(world, "github", good, body).status_code == 202
    wait_until("that fetch is over", lambda: world.get("/status")["attempted_revision"] == seen, 30)
    fetched = world.get("/status")["last_fetch_at"]

    world.remote.push("Nobody tells of it", {"org/note.yaml": note(PATH, "untold")})
    replayed = deliver(world, "github", good, body)
    forged = [
        deliver(world, forge, signed(forge, "a guess", f"forged-{forge}", body), body) for forge in SECRETS
    ]
    bare = deliver(world, "github", {"x-github-event": "push"}, body)
    status = world.get("/status")

    assert replayed.json()["ignored"] == "replay"
    assert [one.status_code for one in (*forged, bare)] == [401] * 5
    assert (status["attempted_revision"], status["last_fetch_at"]) == (seen, fetched)
