"""The outbox and its worker, on each kind of database and against a real listener."""

from __future__ import annotations

import asyncio

from guru_server.leases import Lease
from guru_server.notify import outbox
from guru_server.notify.worker import AT_ONCE, LONGEST, REST, TRIES, pause
from tests.server.notify.conftest import Post, webhook
from tools.lab.inbox import Inbox


async def test_a_note_is_delivered_once(post: Post, inbox: Inbox) -> None:
    post.channels.known = {"noc": webhook(inbox.url)}
    await post.put("noc")
    await post.put("noc")
    await post.round()
    await post.round(LONGEST)

    assert len(inbox.letters) == 1
    assert await post.states() == [("noc", "firing", "delivered")]


async def test_a_failing_channel_does_not_hold_up_another(post: Post, inbox: Inbox) -> None:
    dead = Inbox()
    dead.status = 500
    dead.start()
    post.channels.known = {"dead": webhook(dead.url), "noc": webhook(inbox.url)}
    await post.put("dead", "noc")
    await post.round()
    dead.stop()

    assert await post.states() == [("dead", "firing", "waiting"), ("noc", "firing", "delivered")]


async def test_a_backlog_of_a_failing_channel_does_not_hold_up_another(post: Post, inbox: Inbox) -> None:
    dead = Inbox()
    dead.status = 500
    dead.start()
    post.channels.known = {"dead": webhook(dead.url), "noc": webhook(inbox.url)}
    for number in range(AT_ONCE + 20):
        await post.put("dead", alert=f"d{number}")
    await post.round(1_000)
    await post.put("noc")
    await post.round(1_000)
    dead.stop()

    assert ("noc", "firing", "delivered") in await post.states("delivered")


async def test_a_backlog_of_unknown_channels_does_not_hold_up_another(post: Post, inbox: Inbox) -> None:
    post.channels.known = {"noc": webhook(inbox.url)}
    post.channels.unknown = {"initech"}
    for number in range(AT_ONCE + 20):
        await post.put("noc", alert=f"d{number}", customer="initech")
    await post.round(1_000)
    await post.put("noc")
    await post.round(1_000)

    assert await post.states("delivered") == [("noc", "firing", "delivered")]


async def test_a_channel_that_failed_is_asked_again_soon_and_for_its_other_notes(post: Post, inbox: Inbox) -> None:
    post.channels.known = {"noc": webhook(inbox.url)}
    await post.put("noc", alert="a1")
    await post.put("noc", alert="a2")
    inbox.status = 500
    await post.round()
    inbox.status = 200
    await post.round(REST)

    assert ("noc", "firing", "delivered") in await post.states()


async def test_a_note_is_tried_again_with_the_same_id_until_it_is_taken(post: Post, inbox: Inbox) -> None:
    post.channels.known = {"noc": webhook(inbox.url)}
    inbox.status = 503
    await post.put("noc")
    await post.round()
    await post.round()
    assert len(inbox.letters) == 1          # its next try is not due yet
    inbox.status = 204
    await post.round(LONGEST)

    assert await post.states() == [("noc", "firing", "delivered")]
    assert len({letter.headers["webhook-id"] for letter in inbox.letters}) == 1
    assert len(inbox.letters) == 2


async def test_a_note_nobody_takes_is_given_up_and_stays_visible(post: Post, inbox: Inbox) -> None:
    post.channels.known = {"noc": webhook(inbox.url)}
    inbox.status = 500
    await post.put("noc")
    for _ in range(TRIES + 3):
        await post.round(LONGEST)

    (state,) = await post.db.read(lambda c: outbox.notes(c, "failed", 10))
    assert len(inbox.letters) == TRIES == state.note.attempts
    assert "answered 500" in state.error
    assert await post.db.read(lambda c: outbox.failed_count(c, 0)) == 1


async def test_an_unwelcome_note_is_given_up_at_once(post: Post, inbox: Inbox) -> None:
    post.channels.known = {"noc": webhook(inbox.url)}
    inbox.status = 410
    await post.put("noc")
    await post.round()

    assert await post.states() == [("noc", "firing", "failed")]


async def test_an_end_is_not_told_before_its_beginning(post: Post, inbox: Inbox) -> None:
    post.channels.known = {"noc": webhook(inbox.url)}
    inbox.status = 503
    await post.put("noc")
    await post.put("noc", event="resolved")
    await post.round()
    inbox.status = 204
    await post.round(LONGEST)
    await post.round()

    assert [letter.body["event"] for letter in inbox.letters] == ["firing", "firing", "resolved"]


async def test_a_channel_that_is_not_in_force_is_named_in_the_error(post: Post) -> None:
    await post.put("pager")
    await post.round()

    (state,) = await post.db.read(lambda c: outbox.notes(c, "waiting", 10))
    assert "no channel of that name" in state.error


async def test_notes_wait_while_the_channels_are_not_known(post: Post) -> None:
    post.channels.known = None
    await post.put("noc")
    await post.round()

    (state,) = await post.db.read(lambda c: outbox.notes(c, "waiting", 10))
    assert state.note.attempts == 0


async def test_a_server_that_lost_its_lease_records_nothing(post: Post, inbox: Inbox) -> None:
    post.channels.known = {"noc": webhook(inbox.url)}
    await post.put("noc")
    await Lease(post.db, "notify", "one").release(post.fence)
    assert await Lease(post.db, "notify", "two").acquire() is not None
    await post.round()

    assert await post.states() == [("noc", "firing", "waiting")]


async def test_the_worker_hears_of_new_notes_and_stops_when_told(post: Post, inbox: Inbox) -> None:
    post.channels.known = {"noc": webhook(inbox.url)}
    running = asyncio.create_task(post.notifier.run(post.fence))
    await asyncio.sleep(0.01)
    await post.put("noc")
    await post.bus.publish("notify")
    letters = await asyncio.to_thread(inbox.wait_for, 1, 10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert len(letters) == 1


async def test_finished_notes_are_forgotten_and_waiting_ones_never(post: Post, inbox: Inbox) -> None:
    post.channels.known = {"noc": webhook(inbox.url)}
    await post.put("noc")
    await post.round()
    await post.put("noc", alert="a2")
    later = post.clock() + 1

    assert await post.db.write(lambda c: outbox.forget_finished(c, later)) == 1
    assert await post.states() == [("noc", "firing", "waiting")]


def test_pauses_grow_to_a_bound() -> None:
    assert [pause(attempts, 1.0) for attempts in (0, 1, 2, 30)] == [5_000, 10_000, 20_000, LONGEST]
    assert pause(5, 0.0) == 1_000


async def test_a_channel_that_wants_no_ends_gets_none(post: Post, inbox: Inbox) -> None:
    post.channels.known = {"noc": webhook(inbox.url, sendResolved=False)}
    await post.put("noc")
    await post.round()
    await post.put("noc", event="resolved")
    await post.round()

    assert [letter.body["event"] for letter in inbox.letters] == ["firing"]
    assert await post.states() == [("noc", "firing", "delivered")]


async def test_a_person_is_told_by_mail_although_no_channel_has_that_name(post: Post) -> None:
    post.channels.known = {}
    await post.put("oncall@msp.example")
    await post.round()

    (state,) = await post.db.read(lambda c: outbox.notes(c, None, 10))
    assert (state.state, state.error) == ("waiting", "no mail server is set")


async def test_each_step_and_round_is_a_note_of_its_own_and_an_end_waits_for_all_of_them(
    post: Post, inbox: Inbox
) -> None:
    post.channels.known = {"noc": webhook(inbox.url)}
    inbox.status = 503
    for by in (outbox.THE_RULE, outbox.By("org/shift/desk", 0), outbox.By("org/shift/desk", 1)):
        for _ in range(2):
            await post.db.write(lambda c, by=by: outbox.enqueue(
                c, alert="a1", customer="acme", event="firing", channels=["noc"], payload="{}", now=0, by=by))
    await post.put("noc", event="resolved")
    await post.round()
    inbox.status = 204
    for _ in range(4):
        await post.round(LONGEST)

    assert await post.states() == [("noc", "firing", "delivered")] * 3 + [("noc", "resolved", "delivered")]
    taken = [one.headers["webhook-id"] for one in inbox.letters[1:]]
    assert len(taken) == len(set(taken)) == 4
    assert inbox.letters[-1].headers["webhook-id"] == outbox.note_id("a1", "resolved", "noc")
