"""Webhooks against a real listener on loopback."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from pydantic import SecretStr

from guru_policy.errors import Undelivered
from guru_policy.kinds.notification_channel import Webhook
from guru_server.notify.channels import Message
from guru_server.notify.webhook import Webhooks, sign
from tests.server.notify.conftest import PAYLOAD, SECRETS, webhook
from tools.lab.inbox import Inbox

MESSAGE = Message("ab" * 16, 1_700_000_000_123, PAYLOAD)


async def deliver(channel: Webhook, message: Message = MESSAGE) -> None:
    webhooks = Webhooks(SECRETS)
    try:
        await webhooks.deliver(channel, message)
    finally:
        await webhooks.close()


async def test_a_webhook_gets_the_note_and_a_signature_it_can_check(inbox: Inbox) -> None:
    await deliver(webhook(inbox.url, sign="noc"))

    (letter,) = inbox.wait_for(1, 5)
    assert letter.body == PAYLOAD
    assert letter.headers["webhook-id"] == letter.headers["idempotency-key"] == MESSAGE.id
    assert letter.headers["webhook-timestamp"] == "1700000000"
    version, _, given = letter.headers["webhook-signature"].partition(",")
    assert version == "v1"
    assert len(base64.b64decode(given)) == 32


def test_the_signature_is_the_one_of_the_standard() -> None:
    key = bytes(range(24))
    secret = SecretStr("whsec_" + base64.b64encode(key).decode())
    expected = hmac.new(key, b"msg_1.1700000000." + b'{"a":1}', hashlib.sha256).digest()

    assert sign(secret, "msg_1", "1700000000", b'{"a":1}') == "v1," + base64.b64encode(expected).decode()


async def test_a_webhook_without_a_secret_is_not_signed(inbox: Inbox) -> None:
    await deliver(webhook(inbox.url))

    (letter,) = inbox.wait_for(1, 5)
    assert "webhook-signature" not in letter.headers


async def test_a_secret_the_server_lacks_is_named(inbox: Inbox) -> None:
    with pytest.raises(Undelivered, match="no secret 'pager'") as caught:
        await deliver(webhook(inbox.url, sign="pager"))

    assert "notify.secrets.pager" in caught.value.hint
    assert caught.value.again
    assert inbox.letters == []


@pytest.mark.parametrize(
    ("status", "again"), [(500, True), (503, True), (429, True), (404, False), (410, False)]
)
async def test_the_status_tells_whether_another_try_may_help(inbox: Inbox, status: int, again: bool) -> None:
    inbox.status = status

    with pytest.raises(Undelivered, match=str(status)) as caught:
        await deliver(webhook(inbox.url))
    assert caught.value.again is again


async def test_a_redirect_is_not_followed(inbox: Inbox) -> None:
    inbox.status = 307

    with pytest.raises(Undelivered, match="redirects are not followed") as caught:
        await deliver(webhook(inbox.url))
    assert not caught.value.again
    assert len(inbox.letters) == 1


async def test_a_closed_port_is_tried_again_and_the_path_is_not_told(inbox: Inbox) -> None:
    inbox.stop()
    url = inbox.url.replace("/alerts", "/hooks/T0K3N")

    with pytest.raises(Undelivered, match="does not answer") as caught:
        await deliver(webhook(url))
    assert caught.value.again
    assert "T0K3N" not in caught.value.message
    inbox.start = lambda: None  # type: ignore[method-assign]  # stopped already; the fixture stops it again


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://noc.example/x", "https://", "http://[x", "noc"])
async def test_only_http_addresses_are_posted_to(url: str) -> None:
    unchecked = Webhook.model_construct(type="webhook", url=url, sign=None, send_resolved=True)

    with pytest.raises(Undelivered, match="not an http") as caught:
        await deliver(unchecked)
    assert not caught.value.again
