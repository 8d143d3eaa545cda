"""`guru events`: the stream from any place in it, over a server that goes away and comes back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guru_policy.errors import NotFound, Unreachable
from gurucli.client import Client
from gurucli.sdk import Guru as Sdk
from gurucli.streaming import Stream, Wanted
from tests.cli.canned import delivery, happened
from tests.cli.conftest import Guru
from tests.cli.double import TOKEN, Authority, Double, Reply, problem
from tests.cli.double import Asked as Request
from tools.lab.inbox import Inbox


def numbered(first: int, last: int) -> list[dict[str, Any]]:
    return [happened("").model_dump() | {"sequence": str(at)} for at in range(first, last + 1)]


class Server:
    """A stream of ten events, two an answer; it fails at the calls that are named."""

    def __init__(self, double: Double, failing: frozenset[int] = frozenset(), most: int = 10) -> None:
        self.calls, self.failing, self.most = 0, failing, most
        self.double = double
        double.answers["GET /events"] = self.answer

    def answer(self, asked: Request) -> Reply:
        self.calls += 1
        if self.calls in self.failing:
            return problem(503, "G0503", "the database is away", 7)
        at = asked.query.get("after", "0")
        after = 0 if at == "newest" else int(at)
        items = numbered(after + 1, min(after + 2, self.most))
        cursor = after + len(items)
        return {"items": items, "cursor": str(cursor), "more": cursor < self.most, "forgotten": after == 3}


@pytest.fixture
def client(double: Double, authority: Authority) -> Iterator[Client]:
    with Client(double.url, TOKEN, ca=authority.ca) as made:
        yield made


def test_what_there_is_comes_to_its_end_page_after_page(guru: Guru, double: Double) -> None:
    Server(double, most=5)
    result = guru("events", "--after", "0", "-l", "@acme", "--type", "device.*", "-o", "ndjson")

    assert [json.loads(line)["sequence"] for line in result.out.splitlines()] == ["1", "2", "3", "4", "5"]
    assert json.loads(result.out.splitlines()[0])["specversion"] == "1.0"
    assert [(one.query["after"], one.query["selector"], one.query["type"]) for one in double.asked] == [
        ("0", "@acme", "device.*"), ("2", "@acme", "device.*"), ("4", "@acme", "device.*")]


def test_a_server_that_goes_away_is_waited_for_and_nothing_is_missed_or_doubled(client: Client, double: Double) -> None:
    Server(double, frozenset({2, 3, 5}))
    said: list[str] = []
    slept: list[float] = []
    followed = Stream(client, Wanted(after="0"), say=said.append, sleep=slept.append).followed()
    seen = [next(followed)["sequence"] for _ in range(10)]

    assert seen == [str(at) for at in range(1, 11)]
    assert slept == [0.5, 1.0, 0.5]
    assert said[:2] == ["the database is away: trying again, nothing is lost", "the server is back"]


def test_a_server_that_was_never_there_and_an_error_that_stays_end_it(client: Client, double: Double) -> None:
    Server(double, frozenset({1}))
    with pytest.raises(Unreachable):
        next(Stream(client, Wanted(), sleep=lambda _: None).followed())
    double.answers["GET /events"] = lambda asked: problem(404, "G0404", "gone", 5)
    with pytest.raises(NotFound):
        next(Stream(client, Wanted(), sleep=lambda _: None).followed())


def test_events_that_the_server_no_longer_keeps_are_told_of(guru: Guru, double: Double) -> None:
    Server(double, most=5)

    assert "events are missing here" in guru("events", "--after", "3").err


def test_watching_prints_each_event_as_it_comes_and_ends_after_so_many(guru: Guru, double: Double) -> None:
    Server(double)
    lines = guru("events", "--watch", "--limit", "3", "-o", "ndjson")
    shown = guru("events", "--watch", "--limit", "1", columns=100)
    names = guru("events", "--watch", "--limit", "2", "-o", "name", "--after", "4")

    assert [json.loads(line)["sequence"] for line in lines.out.splitlines()] == ["1", "2", "3"]
    assert "device.online" in shown.out
    assert "acme/hq/web01" in shown.out
    assert names.out == "5\n6\n"
    assert double.asked[0].query["after"] == "newest"
    assert float(double.asked[0].query["wait"]) == 20.0


@pytest.mark.parametrize("words", [("--watch", "-o", "json"), ("--after", "3", "--since", "1h")])
def test_what_makes_no_sense_is_refused(words: tuple[str, ...], guru: Guru) -> None:
    assert guru("events", *words).code == 2


def test_programs_follow_the_stream_until_it_is_quiet(double: Double, authority: Authority) -> None:
    Server(double, most=4)
    with Sdk(double.url, TOKEN, ca=authority.ca) as guru:
        found = [one["sequence"] for one in guru.events("device.*", after="1", timeout=0.3)]

    assert found == ["2", "3", "4"]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    made.start()
    yield made
    made.stop()


def test_listening_posts_each_event_here_signed_as_the_server_does_it(
    guru: Guru, double: Double, inbox: Inbox, tmp_path: Path
) -> None:
    Server(double, most=3)
    secret = tmp_path / "secret"
    secret.write_text("whsec_" + base64.b64encode(b"x" * 24).decode() + "\n")
    result = guru("listen", "--forward", inbox.url, "--secret-file", str(secret), "--limit", "3", "-o", "ndjson")

    assert [json.loads(line)["status"] for line in result.out.splitlines()] == [204, 204, 204]
    assert [one.body["sequence"] for one in inbox.letters] == ["1", "2", "3"]
    headers = inbox.letters[0].headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + inbox.raw[0]
    digest = base64.b64encode(hmac.new(b"x" * 24, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert headers["webhook-id"] == inbox.letters[0].body["id"]


def test_listening_shows_what_the_program_answered_and_the_secret_once(
    guru: Guru, double: Double, inbox: Inbox
) -> None:
    Server(double, most=2)
    inbox.status = 500
    refused = guru("listen", "--forward", inbox.url, "--limit", "1", columns=100)
    silent = guru("listen", "--forward", "http://127.0.0.1:9/x", "-o", "json")
    away = guru("listen", "--forward", "http://127.0.0.1:9/x", "--limit", "1", "-o", "ndjson")

    assert ("500" in refused.out, "whsec_" in refused.err, refused.code) == (True, True, 0)
    assert silent.code == 2
    assert json.loads(away.out)["error"] == "connection refused"


@pytest.mark.parametrize("url", [
    "http://192.0.2.1/x", "https://localhost/x", "ftp://localhost", "http://", "http://localhost:x/", "hook"])
def test_listening_sends_nothing_to_another_machine(url: str, guru: Guru, double: Double) -> None:
    assert guru("listen", "--forward", url).code == 2
    assert double.asked == []


def test_a_webhook_that_does_not_take_a_test_fails_the_command(guru: Guru, double: Double) -> None:
    row = delivery("").model_dump()
    answers = iter([row | {"state": "waiting"}, row | {"state": "failed", "why": "it answered 500"}])
    double.answers["POST /hooks/test"] = row | {"state": "waiting"}
    double.answers["GET /hooks/deliveries/w1"] = lambda _: next(answers)
    result = guru("webhook", "test", "psa")

    assert (result.code, "it answered 500" in result.err) == (1, True)
    assert double.requests("POST", "/hooks/test")[0].body == {"hook": "psa"}
