"""Jobs on the server: rows first, given out once, states that are true, whatever comes late or twice."""

from __future__ import annotations

import base64

import orjson
import pytest

from guru_policy.errors import Untrusted
from guru_wire.link import Cancel, Order
from guru_wire.orders import Proof, open_authority, open_cancel, open_order
from tests.server.jobs.conftest import Office, frames

HOUR = 3_600_000


async def test_an_order_is_what_its_device_believes_and_no_other(office: Office) -> None:
    names = [f"pc{number:03d}" for number in range(300)]
    devices = await office.devices(*names)
    job = await office.order(selector="customer=acme", script="uptime", timeout=7)
    words = await office.give(*devices)
    now, state = office.api.clock(), office.keys.signer.public("state")

    assert len(words) == 300
    for one in words[::37]:
        message = Order.model_validate_json(one.frames[0])
        authority = open_authority(message.authority, state_key=state, now=now)
        key, proof = base64.b64decode(authority.key), Proof(message.nonce, message.place, message.path)
        order = open_order(message.order, proof, key=key, device=one.device, now=now)
        assert (order.job, order.command.script, order.command.timeout) == (job["id"], "uptime", 7)
        with pytest.raises(Untrusted):
            open_order(message.order, proof, key=key, device="f" * 32, now=now)


async def test_an_order_is_given_out_once_and_again_only_on_a_new_link(office: Office) -> None:
    [device] = await office.devices("web1")
    job = await office.order(device="web1")

    assert len(frames(await office.give(device))) == 1
    assert await office.states(job["id"]) == {"web1": "sent"}
    assert frames(await office.give(device)) == []
    assert len(frames(await office.give(device, again=True))) == 1
    await office.say(device, job=job["id"], state="succeeded", exit_code=0)
    assert frames(await office.give(device, again=True)) == []


async def test_a_device_that_was_away_gets_it_until_it_expires(office: Office) -> None:
    early, late = await office.devices("early", "late", linked=False)
    job = await office.order(selector="name in (early,late)", expires=60)
    office.api.clock.forward(59_000)
    assert len(frames(await office.give(early, again=True))) == 1
    office.api.clock.forward(2_000)
    await office.look()

    assert frames(await office.give(late, again=True)) == []
    assert await office.states(job["id"]) == {"early": "sent", "late": "expired"}


async def test_what_a_device_says_last_is_final_and_said_twice_changes_nothing(office: Office) -> None:
    [device] = await office.devices("web1")
    job = (await office.order(device="web1"))["id"]
    await office.give(device)
    await office.say(device, job=job, state="running", started_at=5)
    await office.say(device, job=job, state="failed", exit_code=3, started_at=5, reason="x\x1b[31m")
    for state in ("running", "succeeded"):
        await office.say(device, job=job, state=state, exit_code=0)
    run = (await office.get(f"/jobs/{job}"))["runs"][0]

    assert (run["state"], run["exit_code"], run["started_at"]) == ("failed", 3, 5)
    assert "\x1b" not in run["reason"]


async def test_silence_is_lost_until_the_device_says_more(office: Office) -> None:
    [device] = await office.devices("web1")
    job = (await office.order(device="web1", expires=60, timeout=60))["id"]
    await office.give(device)
    await office.say(device, job=job, state="running", started_at=office.api.clock())
    office.api.clock.forward(2 * HOUR)
    await office.look()
    lost = (await office.get(f"/jobs/{job}"))["runs"][0]
    await office.say(device, job=job, state="succeeded", exit_code=0)

    assert (lost["state"], "unknown" in lost["reason"]) == ("lost", True)
    assert await office.states(job) == {"web1": "succeeded"}


async def test_a_job_whose_lost_run_goes_on_is_open_again_until_that_ends_or_falls_silent(office: Office) -> None:
    [device] = await office.devices("web1")
    job = (await office.order(device="web1", expires=60, timeout=60))["id"]
    await office.give(device)
    office.api.clock.forward(2 * HOUR)
    await office.look()
    over = await office.get(f"/jobs/{job}")
    await office.say(device, job=job, state="running", started_at=office.api.clock())
    open_again = await office.get(f"/jobs/{job}")
    office.api.clock.forward(2 * HOUR)
    await office.look()

    assert (over["runs"][0]["state"], over["finished_at"] is None) == ("lost", False)
    assert (open_again["runs"][0]["state"], open_again["finished_at"]) == ("running", None)
    assert await office.states(job) == {"web1": "lost"}


async def test_a_device_says_nothing_about_jobs_of_others(office: Office) -> None:
    [_, stranger] = await office.devices("web1", "web2")
    job = (await office.order(device="web1"))["id"]
    await office.say(stranger, job=job, state="succeeded", exit_code=0)
    await office.print(stranger, job, "out", (0, b"lies"))
    await office.say(stranger, job="f" * 32, state="succeeded")
    progress = await office.get(f"/jobs/{job}/progress")

    assert await office.states(job) == {"web1": "queued"}
    assert progress["output"] == []


async def test_output_is_kept_once_in_order_and_within_its_limit(office: Office) -> None:
    [device] = await office.devices("web1")
    job = (await office.order(device="web1", output=8))["id"]
    await office.print(device, job, "out", (0, b"one "), (4, b"two "))
    await office.print(device, job, "out", (4, b"two "), (8, b"beyond"))
    await office.print(device, job, "err", (0, b"\xff!"))
    await office.say(device, job=job, state="succeeded", exit_code=0, out=14, err=2, kept=8)
    found = await office.get(f"/jobs/{job}/output/web1")

    assert (found["stdout"], found["stderr"], found["truncated"]) == ("one two ", "\ufffd!", True)


async def test_whoever_watches_sees_every_change_once(office: Office) -> None:
    names = [f"pc{number}" for number in range(5)]
    devices = await office.devices(*names)
    made = await office.api.http.post("/jobs", json={"selector": "customer=acme", "max_devices": 9, "argv": ["true"]})
    job, after = made.json()["job"]["id"], made.json()["next"]
    seen: list[str] = []
    await office.give(*devices)
    for device in devices:
        await office.print(device, job, "out", (0, b"hello\n"))
        await office.say(device, job=job, state="succeeded", exit_code=0)
        answer = await office.get(f"/jobs/{job}/progress?after={after}")
        seen += [run["name"] for run in answer["runs"]] + [piece["name"] for piece in answer["output"]]
        after = answer["next"]

    assert sorted(seen) == sorted(names * 2)
    assert answer["done"] is True
    assert answer["job"]["counts"] == {"succeeded": 5}


async def test_waiting_for_a_device_that_is_away_keeps_nobody_waiting(office: Office) -> None:
    await office.devices("away", linked=False)
    job = (await office.order(device="away"))["id"]

    assert (await office.get(f"/jobs/{job}/progress?wait=20"))["done"] is True


async def test_a_cancelled_job_begins_nowhere_and_ends_where_it_runs(office: Office) -> None:
    running, waiting = await office.devices("running", "waiting")
    job = (await office.order(selector="customer=acme"))["id"]
    await office.give(running)
    done = await office.api.http.post(f"/jobs/{job[:8]}/cancel")
    told = frames(await office.give(running, waiting))
    key = office.keys.signer.public("command")

    assert (done.json()["cancelled"], done.json()["ending"]) == (1, 1)
    assert await office.states(job) == {"running": "sent", "waiting": "cancelled"}
    assert [orjson.loads(frame)["t"] for frame in told] == ["cancel"]
    assert open_cancel(Cancel.model_validate_json(told[0]).cancel, key=key).job == job


async def test_a_job_that_was_over_is_not_called_stopped_by_who_cancels_it(office: Office) -> None:
    [device] = await office.devices("web1")
    job = (await office.order(device="web1"))["id"]
    await office.give(device)
    await office.say(device, job=job, state="succeeded", exit_code=0)
    done = await office.api.http.post(f"/jobs/{job}/cancel")

    assert (done.json()["cancelled"], done.json()["ending"]) == (0, 0)
    assert (await office.get(f"/jobs/{job}"))["stopped"] == ""


async def test_batches_go_on_when_the_one_before_is_over(office: Office) -> None:
    devices = await office.devices(*(f"pc{number}" for number in range(5)))
    batch = {"size": "2", "delay": 10}
    job = (await office.order(selector="customer=acme", batch=batch))["id"]
    given: list[int] = []
    for _ in range(3):
        words = await office.give(*devices)
        given.append(len(frames(words)))
        await office.look()
        assert frames(await office.give(*devices)) == []
        for one in words:
            await office.say(one.device, job=job, state="succeeded", exit_code=0)
        await office.look()
        assert frames(await office.give(*devices)) == []
        office.api.clock.forward(10_000)
        await office.link(*devices)
        await office.look()

    assert given == [2, 2, 1]
    assert (await office.get(f"/jobs/{job}"))["finished_at"] is not None


async def test_failures_stop_what_has_not_begun(office: Office) -> None:
    devices = await office.devices(*(f"pc{number}" for number in range(6)))
    job = (await office.order(selector="customer=acme", batch={"size": "2", "max_failures": 2}))["id"]
    for one in await office.give(*devices):
        await office.say(one.device, job=job, state="failed", exit_code=1)
    await office.look()
    found = await office.get(f"/jobs/{job}")

    assert found["counts"] == {"failed": 2, "cancelled": 4}
    assert "2 failed" in found["stopped"]
    assert frames(await office.give(*devices)) == []


async def test_a_rerun_is_for_those_that_failed(office: Office) -> None:
    good, bad = await office.devices("good", "bad")
    job = (await office.order(selector="customer=acme", script="make it so"))["id"]
    await office.give(good, bad)
    await office.say(good, job=job, state="succeeded", exit_code=0)
    await office.say(bad, job=job, state="failed", exit_code=1)
    made = await office.api.http.post(f"/jobs/{job}/rerun", json={"failed": True, "max_devices": 1})

    assert made.status_code == 201
    assert await office.states(made.json()["job"]["id"]) == {"bad": "queued"}
    assert made.json()["job"]["what"] == "shell: make it so"


@pytest.mark.parametrize(("ask", "status", "words"), [
    ({"selector": "customer=acme", "argv": ["true"]}, 403, "2 are allowed"),
    ({"selector": "customer=none", "argv": ["true"]}, 404, "no device matches"),
    ({"device": "nobody", "argv": ["true"]}, 404, "no device is called"),
    ({"device": "pc0"}, 400, "a command, a script"),
    ({"device": "pc0", "selector": "a=b", "argv": ["true"]}, 400, "one device or"),
    ({"device": "pc0", "script": "x", "stdin": "A" * 340_000, "argv": []}, 201, ""),
    ({"device": "pc0", "script": "\n" * 262_000, "stdin": "A" * 340_000}, 400, "too large"),
    ({"device": "pc0", "template": "none"}, 404, "no command template"),
])
async def test_what_cannot_be_a_job_is_refused(
    ask: dict[str, object], status: int, words: str, office: Office
) -> None:
    await office.devices("pc0", "pc1", "pc2")
    answer = await office.api.http.post("/jobs", json={"max_devices": 2, **ask})

    assert answer.status_code == status, answer.text
    assert words in answer.text


async def test_a_viewer_looks_and_orders_nothing(office: Office) -> None:
    await office.devices("web1")
    job = (await office.order(device="web1"))["id"]
    viewer = {"authorization": f"Bearer {await office.api.token('viewer')}"}
    asked = await office.api.http.post("/jobs", json={"device": "web1", "argv": ["true"]}, headers=viewer)
    cancelled = await office.api.http.post(f"/jobs/{job}/cancel", headers=viewer)
    shown = await office.api.http.get(f"/jobs/{job}", headers=viewer)

    assert (asked.status_code, cancelled.status_code, shown.status_code) == (403, 403, 200)


async def test_a_revoked_device_gets_nothing_more(office: Office) -> None:
    await office.devices("web1", linked=False)
    job = (await office.order(device="web1"))["id"]
    await office.api.http.delete("/devices/web1")
    await office.look()

    assert await office.states(job) == {"web1": "cancelled"}
