"""Webhooks from Git: what they get, how they are tried again, and that one never holds up another."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac

import pytest

from guru_policy.errors import Unreachable
from guru_policy.fleet import Fleet
from guru_server.hooks import store
from guru_server.hooks.sender import IDLE
from guru_server.store.schema import TENANT
from tests.server.hooks.conftest import ACME, BOLT, HOUR, Desk, subjects, webhook
from tools.lab.inbox import Inbox

NOWHERE = "http://127.0.0.1:9/hook"


async def test_a_webhook_gets_each_event_that_it_wants_signed_and_once(desk: Desk, inbox: Inbox) -> None:
    await desk.push(psa=webhook("psa", inbox.url))
    await desk.happens("device.online", ACME, "one", "two")
    await desk.happens("job.finished", "", "not this")
    await desk.round()
    await desk.round()

    assert subjects(inbox) == ["one", "two"]
    first = inbox.letters[0]
    assert first.body["type"] == "dev.gururmm.device.online"
    assert first.headers["content-type"] == "application/cloudevents+json"
    assert first.headers["webhook-id"] == first.body["id"]
    signed = f"{first.headers['webhook-id']}.{first.headers['webhook-timestamp']}.".encode()
    body = inbox.raw[0]
    digest = hmac.new(bytes(range(24)), signed + body, hashlib.sha256).digest()
    assert first.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert ((await desk.hook())["state"], (await desk.hook())["host"]) == ("ok", inbox.url.rpartition("/")[0])


async def test_a_customers_webhook_hears_of_that_customer_alone_and_a_selector_narrows(
    desk: Desk, inbox: Inbox
) -> None:
    await desk.push(
        acme_psa=webhook("psa", f"{inbox.url}/acme", events="'*'"),
        narrow=webhook("narrow", f"{inbox.url}/narrow", ", selector: 'name=zulu1'"),
    )
    inbox.letters.clear()
    await desk.happens("device.online", ACME, "mine")
    await desk.happens("device.online", BOLT, "theirs")
    await desk.happens("session.signed_in", "", "office")
    await desk.round()

    assert sorted((one.path, one.body["subject"]) for one in inbox.letters) == [
        ("/alerts/acme", "mine"), ("/alerts/narrow", "theirs")]


async def test_what_is_not_taken_is_tried_again_in_its_order_with_the_same_id(desk: Desk, inbox: Inbox) -> None:
    await desk.push(psa=webhook("psa", inbox.url))
    await desk.happens("device.online", ACME, "one", "two")
    inbox.status = 503
    await desk.round()
    await desk.round()
    assert (len(inbox.letters), (await desk.hook())["state"]) == (1, "failing")
    inbox.status = 204
    desk.later(HOUR)
    await desk.round()

    assert subjects(inbox) == ["one", "one", "two"]
    assert inbox.letters[0].headers["webhook-id"] == inbox.letters[1].headers["webhook-id"]
    assert ((await desk.hook())["state"], (await desk.hook())["waiting"]) == ("ok", 0)


async def test_a_sender_that_ends_before_the_answer_sends_again_with_the_same_id(desk: Desk, inbox: Inbox) -> None:
    await desk.push(psa=webhook("psa", inbox.url))
    await desk.happens("device.online", ACME, "one")
    inbox.answering.clear()
    working = asyncio.create_task(desk.sender.run(desk.fence))
    await asyncio.to_thread(inbox.wait_for, 1, 20)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    inbox.answering.set()
    desk.sender = desk.another()
    await desk.round()

    assert subjects(inbox) == ["one", "one"]
    assert len({one.headers["webhook-id"] for one in inbox.letters}) == 1


async def test_one_dead_webhook_holds_up_no_other(desk: Desk, inbox: Inbox) -> None:
    await desk.push(dead=webhook("dead", NOWHERE), good=webhook("good", inbox.url))
    for number in range(5):
        await desk.happens("device.online", ACME, str(number))
        await desk.round()

    assert subjects(inbox) == ["0", "1", "2", "3", "4"]
    assert [(one["hook"], one["waiting"]) for one in (await desk.hook(0), await desk.hook(1))] == [
        ("org/dead", 5), ("org/good", 0)]


async def test_a_webhook_that_fails_for_days_is_disabled_and_a_test_that_it_takes_enables_it(
    desk: Desk, inbox: Inbox
) -> None:
    await desk.push(psa=webhook("psa", inbox.url))
    inbox.status = 500
    for day in range(7):
        await desk.happens("device.online", ACME, f"day {day}")
        await desk.round()
        desk.later(24 * HOUR)
    before = len(inbox.letters)
    await desk.happens("device.online", ACME, "unheard")
    await desk.round()
    disabled = await desk.hook()
    told = await desk.office.http.get("/events", params={"type": "webhook.disabled"})
    inbox.status = 204
    tested = (await desk.office.http.post("/hooks/test", json={"hook": "psa"})).json()
    await desk.round()
    await desk.happens("device.online", ACME, "heard")
    await desk.round()

    assert (disabled["state"], disabled["waiting"], len(told.json()["items"])) == ("disabled", 0, 1)
    assert [one.body["subject"] for one in inbox.letters[before:]] == ["webhook:org/psa", "heard"]
    shown = await desk.office.http.get(f"/hooks/deliveries/{tested['id']}")
    assert (shown.json()["state"], shown.json()["status"]) == ("delivered", 204)
    assert (await desk.hook())["state"] == "ok"


async def test_who_says_that_it_is_gone_is_sent_no_more_at_once(desk: Desk, inbox: Inbox) -> None:
    await desk.push(psa=webhook("psa", inbox.url))
    inbox.status = 410
    await desk.happens("device.online", ACME, "one", "two")
    await desk.round()

    assert (len(inbox.letters), (await desk.hook())["state"]) == (1, "disabled")


async def test_a_refused_event_is_told_in_the_log_and_can_be_sent_once_more(desk: Desk, inbox: Inbox) -> None:
    await desk.push(psa=webhook("psa", inbox.url))
    inbox.status = 422
    await desk.happens("device.online", ACME, "one")
    await desk.round()
    failed = (await desk.office.http.get("/hooks/deliveries", params={"state": "failed"})).json()["items"][0]
    inbox.status = 204
    again = await desk.office.http.post(f"/hooks/deliveries/{failed['id']}/redelivery")
    await desk.round()
    shown = (await desk.office.http.get("/hooks/deliveries", params={"hook": "org/psa"})).json()["items"]

    assert (failed["status"], "422" in failed["why"], failed["attempts"]) == (422, True, 1)
    assert again.json()["state"] == "waiting"
    assert [(one["state"], one["attempts"]) for one in shown] == [("delivered", 2)]
    assert len({one.headers["webhook-id"] for one in inbox.letters}) == 1
    assert [one[1] for one in await desk.office.audited("WebhookRedelivered")] == ["webhook:org/psa"]


async def test_a_webhook_that_left_the_repository_gets_nothing_more(desk: Desk, inbox: Inbox) -> None:
    await desk.push(psa=webhook("psa", NOWHERE))
    await desk.happens("device.online", ACME, "one")
    await desk.round()
    await desk.office.push({"org/psa.yaml": None, "org/other.yaml": webhook("other", inbox.url)})
    await desk.round()
    desk.later(HOUR)
    await desk.round()

    assert inbox.letters == []
    assert (await desk.hook())["hook"] == "org/other"
    rows = await desk.office.world.db.read(lambda connection: store.deliveries(connection, TENANT, "", None, 10))
    assert rows == []


async def test_nothing_is_sent_where_only_the_server_may_go(desk: Desk) -> None:
    await desk.push(psa=webhook("psa", "http://169.254.169.254/latest"))
    await desk.happens("device.online", ACME, "one")
    await desk.round()

    (shown,) = (await desk.office.http.get("/hooks/deliveries")).json()["items"]
    assert (shown["state"], "does not send to" in shown["why"]) == ("failed", True)


async def test_who_may_not_bring_anything_into_force_neither_tests_nor_sees_webhooks(desk: Desk) -> None:
    await desk.push(psa=webhook("psa", NOWHERE))
    desk.office.http.headers.update(await desk.office.token("ada"))

    assert (await desk.office.http.get("/hooks")).status_code == 403
    assert (await desk.office.http.post("/hooks/test", json={"hook": "psa"})).status_code == 403


async def test_a_webhook_that_could_not_be_read_is_looked_for_again_soon(
    desk: Desk, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: set[str]) -> dict[str, Fleet]:
        raise Unreachable("the repository is away")

    await desk.round()
    idle = desk.sender.rest
    await desk.office.push({"org/psa.yaml": webhook("psa", inbox.url)})
    with monkeypatch.context() as patched:
        patched.setattr(desk.sender._hooks, "_load", broken)
        await desk.round()
        failed = desk.sender.rest
    await desk.round()

    assert (idle, failed) == (IDLE, 1.0)
    assert list(desk.sender._hooks.hooks) == ["org/psa"]


async def test_nothing_is_looked_for_while_no_webhook_is_in_force_and_a_new_one_is_heard_of(
    desk: Desk, inbox: Inbox
) -> None:
    await desk.round()
    idle = desk.sender.rest
    running = asyncio.create_task(desk.sender.run(desk.fence))
    try:
        await desk.office.push({"org/psa.yaml": webhook("psa", inbox.url)})
        async with asyncio.timeout(IDLE / 2):
            while desk.sender.rest == IDLE or await desk.unadopted():
                assert not running.done(), running
                await asyncio.sleep(0.02)
        await desk.happens("device.online", ACME, "one")
        async with asyncio.timeout(IDLE / 2):
            while not inbox.letters:
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert (idle, desk.sender.rest) == (IDLE, 1.0)
    assert subjects(inbox) == ["one"]
