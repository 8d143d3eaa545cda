"""`guru today` shows what is open, worst first, and nothing that somebody has in hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import Double


def page(*items: Any) -> dict[str, Any]:
    return {"items": [one if isinstance(one, dict) else one.model_dump(mode="json") for one in items],
            "total": len(items), "next": None}


@pytest.fixture
def quiet(double: Double) -> Double:
    """A server at which nothing is open."""
    status = canned.status().model_dump(mode="json", by_alias=True)
    for customer in status["customers"]:
        customer["state"] = "InForce"
    status["refusing"] = 0
    drift = canned.drift().model_dump(mode="json", by_alias=True)
    double.answers |= {
        "GET /status": status, "GET /alerts": page(), "GET /jobs": page(), "GET /devices": page(),
        "GET /drift": drift | {"items": [], "overrides": [], "total": 0},
    }
    return double


def alert(**more: Any) -> dict[str, Any]:
    usual = {"muted_by": [], "acked_by": "", "acked_at": None, "acked_until": None}
    found: dict[str, Any] = canned.alerts()["GET /alerts"].items[0].model_dump(mode="json")
    return found | usual | more


def test_nothing_is_said_to_be_nothing(guru: Guru, quiet: Double) -> None:
    done = guru("today", "--exit-code", columns=100)

    assert (done.code, "nothing wants your eye" in done.out, done.out.count("\n")) == (0, True, 1)


def test_the_worst_alert_is_first_and_those_in_hand_are_left_out(guru: Guru, quiet: Double) -> None:
    quiet.answers["GET /alerts"] = page(
        alert(id="a1", severity="low", started_at=1), alert(id="a2", severity="critical", started_at=9),
        alert(id="a3", severity="critical", started_at=5), alert(id="a4", acked_by="person:ada"),
        alert(id="a5", muted_by=["nightly"]),
    )

    done = guru("today", "--exit-code", "-o", "json")

    assert done.code == 3
    assert [row["next"] for row in json.loads(done.out)["items"]] == [
        f"guru alert show {name}" for name in ("a3", "a2", "a1")]


def test_jobs_count_since_when_they_began_and_only_when_they_went_wrong(guru: Guru, quiet: Double) -> None:
    job = canned.job_row().model_dump(mode="json")
    now = 10**15
    quiet.answers["GET /jobs"] = page(
        job | {"id": "b" * 32, "created_at": now, "counts": {"succeeded": 3}},
        job | {"id": "c" * 32, "created_at": now, "counts": {"succeeded": 3, "timed_out": 2}},
        job | {"id": "d" * 32, "created_at": 1, "counts": {"failed": 1}},
    )

    rows = json.loads(guru("today", "-o", "json").out)["items"]

    assert [(row["what"], row["name"]) for row in rows] == [("job", "c" * 8)]
    assert "2 timed out" in rows[0]["text"]


def test_a_kind_with_many_says_how_many_more_and_where(guru: Guru, quiet: Double) -> None:
    away = canned.device().model_dump(mode="json") | {"state": "Unknown"}
    quiet.answers["GET /devices"] = page(*(away | {"name": f"pc{n}", "since": n} for n in range(9, 0, -1)))

    short, whole = guru("today", columns=100).out, guru("today", "--all", columns=100).out

    assert "9 devices are offline" in short
    assert "4 more: guru device list --state Unknown" in short
    assert short.index("pc1 ") < short.index("pc5 ")
    assert "pc9" not in short
    assert "pc9" in whole


def test_a_selector_keeps_what_is_about_its_devices(guru: Guru, quiet: Double) -> None:
    mine = canned.device().model_dump(mode="json")
    there = {"device_name": mine["name"], "customer": mine["customer"], "site": mine["site"]}
    quiet.answers["GET /alerts"] = page(alert(id="a1", **there), alert(id="a2", device_name="elsewhere"))
    quiet.answers["GET /devices"] = lambda asked: page(*([] if asked.query.get("state") else [mine]))

    rows = json.loads(guru("today", "-l", "customer=acme", "-o", "json").out)["items"]

    assert [row["next"] for row in rows] == ["guru alert show a1"]


def test_altered_agents_are_told_with_their_names(guru: Guru, quiet: Double) -> None:
    told = {"type": "Tampered", "status": True, "reason": "FilesDiffer", "message": "web1, web2", "since": 5}
    quiet.answers["GET /status"]["conditions"].append(told)

    done = guru("today", "-o", "json")

    [row] = json.loads(done.out)["items"]
    assert (row["what"], row["severity"], row["text"]) == ("tampered", "critical", "not as installed: web1, web2")


def test_a_role_for_emergencies_comes_before_everything(guru: Guru, quiet: Double) -> None:
    told = {"type": "BreakGlass", "status": True, "reason": "InForce", "message": "una has fire", "since": 5}
    quiet.answers["GET /status"]["conditions"].append(told)
    quiet.answers["GET /alerts"] = page(alert(id="a1", severity="critical"))

    rows = json.loads(guru("today", "-o", "json").out)["items"]

    assert [(row["what"], row["next"]) for row in rows] == [
        ("break-glass", "guru access list"), ("alert", "guru alert show a1")]
