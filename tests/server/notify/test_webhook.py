"""Webhooks against a real listener on loopback."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from ipaddress import ip_address

import pytest
from pydantic import SecretStr

from guru_policy.errors import Undelivered
from guru_policy.kinds.notification_channel import Webhook
from guru_server.notify.channels import Message
from guru_server.notify.reaching import allowed
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


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "fd00:ec2::254", "::ffff:169.254.169.254",
     "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "100.100.100.200"],
)
def test_no_webhook_goes_to_what_only_the_server_can_reach(address: str, private: bool) -> None:
    assert not allowed(ip_address(address), inside=private)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.7", "192.168.1.9", "fd12::1", "::ffff:10.0.0.7"])
def test_private_addresses_are_for_servers_that_allow_them(address: str) -> None:
    assert [allowed(ip_address(address), inside=private) for private in (True, False)] == [True, False]


async def test_a_refused_address_is_never_dialled(inbox: Inbox) -> None:
    webhooks = Webhooks(SECRETS, private=False)
    with pytest.raises(Undelivered, match="does not send to") as caught:
        await webhooks.deliver(webhook(inbox.url.replace("127.0.0.1", "localhost")), MESSAGE)
    await webhooks.close()

    assert not caught.value.again
    assert inbox.letters == []


async def test_a_name_is_told_to_the_endpoint_as_it_was_written(inbox: Inbox) -> None:
    url = inbox.url.replace("127.0.0.1", "localhost")
    await deliver(webhook(url))

    (letter,) = inbox.wait_for(1, 5)
    assert f"http://{letter.headers['host']}/alerts" == url


async def test_an_endpoint_that_answers_drop_by_drop_is_given_up() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 50000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.05)

    slow = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = slow.sockets[0].getsockname()[1]
    webhooks = Webhooks(SECRETS, patience=0.5)
    with pytest.raises(Undelivered, match="too long") as caught:
        async with asyncio.timeout(10):
            await webhooks.deliver(webhook(f"http://127.0.0.1:{port}/"), MESSAGE)
    await webhooks.close()
    slow.close()

    assert caught.value.again
