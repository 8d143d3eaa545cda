"""`guru wait` ends when enough devices are in the state, and says how far it came when they are not."""

from __future__ import annotations

import json

import pytest

from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import Asked, Double, Reply


def counting(double: Double, *rounds: dict[str, int]) -> None:
    """Answer each round of questions with the next of these counts; the last one stays."""
    left = list(rounds)

    def page(asked: Asked) -> Reply:
        if asked.query["state"] == "UpToDate" and len(left) > 1 and double.requests("GET", "/devices")[1:]:
            left.pop(0)
        total = left[0].get(asked.query["state"], 0)
        return {"items": [canned.device().model_dump(mode="json")][:total], "total": total, "next": None}

    double.answers["GET /devices"] = page


def test_it_ends_once_the_share_is_there(guru: Guru, double: Double) -> None:
    counting(double, {"UpToDate": 1, "Updating": 99}, {"UpToDate": 97, "Unknown": 3})

    done = guru("wait", "-l", "customer=acme", "--for", "UpToDate=97%", "-o", "json")

    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert (document["devices"], document["there"], document["counts"]["Unknown"]) == (100, 97, 3)
    assert {one.query["selector"] for one in double.asked} == {"customer=acme"}


def test_the_deadline_says_how_far_it_came(guru: Guru, double: Double) -> None:
    counting(double, {"UpToDate": 1, "Unknown": 3})

    done = guru("wait", "--timeout", "0.1s")

    assert done.code == 7
    assert "1 of 4 devices are UpToDate: 1 UpToDate, 3 Unknown" in done.err


def test_nobody_to_wait_for_is_an_error(guru: Guru, double: Double) -> None:
    counting(double, {})

    assert guru("wait", "-l", "customer=nobody").code == 5


@pytest.mark.parametrize("goal", ["Ready=100%", "UpToDate=0%", "UpToDate=101%", "=50%"])
def test_a_goal_that_cannot_be_is_refused(goal: str, guru: Guru, double: Double) -> None:
    assert guru("wait", "--for", goal).code == 2
    assert double.asked == []


def test_drift_is_shown_for_the_chosen_devices(guru: Guru, double: Double) -> None:
    shown = guru("drift", "-l", "customer=acme", "--exit-code", "-o", "json")
    double.answers["GET /devices"] = {"items": [], "total": 0, "next": None}
    none = guru("drift", "-l", "customer=birch", "--exit-code", "-o", "json")

    assert (shown.code, json.loads(shown.out)["items"][0]["resource"]) == (3, "motd")
    assert (none.code, json.loads(none.out)["items"]) == (0, [])
