"""`guru events`: the stream from any place in it, over a server that goes away and comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from guru_policy.errors import NotFound, Unreachable
from gurucli.client import Client
from gurucli.sdk import Guru as Sdk
from gurucli.streaming import Stream, Wanted
from tests.cli.canned import happened
from tests.cli.conftest import Guru
from tests.cli.double import TOKEN, Authority, Double, Reply, problem
from tests.cli.double import Asked as Request


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
