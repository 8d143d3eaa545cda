"""The client as a library: nothing is done twice, patience has an end, errors are exceptions, and it is light."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from guru_policy.errors import GuruError
from gurucli.client import Client
from gurucli.sdk import DeadlinePassed, Guru, NotFound, Refused, Unreachable
from tests.cli import canned
from tests.cli.double import TOKEN, Authority, Double

CHANGED = {"apiVersion": "guru/v1", "devices": ["d0"]}


@pytest.fixture
def naps() -> list[float]:
    """How long the client would have slept."""
    return []


@pytest.fixture
def client(double: Double, authority: Authority, naps: list[float]) -> Client:
    double.answers["POST /devices/labels"] = CHANGED
    return Client(double.url, TOKEN, ca=authority.ca, timeout=10, sleep=naps.append)


@pytest.fixture
def guru(double: Double, authority: Authority) -> Guru:
    double.answers["POST /devices/labels"] = CHANGED
    double.answers["GET /devices"] = {"apiVersion": "guru/v1", "items": [canned.device("d0").model_dump()],
                                      "total": 1, "next": None}
    return Guru(double.url, TOKEN, ca=authority.ca)


def test_a_change_whose_answer_got_lost_is_asked_for_with_the_same_key(
    client: Client, double: Double, naps: list[float]
) -> None:
    double.losing = 2
    with client:
        answer = client.call("POST", "/devices/labels", body={"selector": "name=d0"})
        client.call("POST", "/devices/labels", body={"selector": "name=d0"})

    keys = [one.key for one in double.asked]
    assert answer == CHANGED
    assert len(keys) == 4
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]               # another change
    assert all(len(key) >= 32 for key in keys)
    assert len(naps) == 2


def test_who_is_asked_for_patience_waits_as_long_as_was_said(client: Client, double: Double, naps: list[float]) -> None:
    double.busy = 2
    with client:
        client.call("POST", "/devices/labels", body={"selector": "name=d0"})

    assert naps == [1.0, 1.0]


def test_patience_ends_with_the_time_limit(double: Double, authority: Authority, naps: list[float]) -> None:
    double.busy = 9
    patient = Client(double.url, TOKEN, ca=authority.ca, timeout=0.5, sleep=naps.append)
    with patient as client, pytest.raises(GuruError, match="too many"):
        client.call("GET", "/devices")

    assert naps == []
    assert len(double.asked) == 1


def test_answers_that_are_always_lost_end_the_tries(client: Client, double: Double, naps: list[float]) -> None:
    double.losing = 99
    with client, pytest.raises(Unreachable):
        client.call("POST", "/devices/labels", body={"selector": "name=d0"})

    assert len(double.asked) <= 6


def test_typed_calls_give_rows_and_errors(guru: Guru, double: Double) -> None:
    with guru:
        names = [row["name"] for row in guru.devices("os=linux")]
        changed = guru.label("name=d0", {"role": "web"})
        with pytest.raises(NotFound) as caught:
            guru.device("nobody")

    assert (names, changed) == (["d0"], ("d0",))
    assert (caught.value.code, caught.value.exit_code) == ("G0404", 5)
    assert double.requests("POST", "/devices/labels")[0].body == {
        "selector": "name=d0", "set": {"role": "web"}, "remove": [], "max_devices": 1,
    }


def test_a_job_that_does_not_end_in_time_is_a_deadline(guru: Guru) -> None:
    with guru, pytest.raises(DeadlinePassed):
        list(guru.progress("j1", timeout=0.0))


def test_importing_it_loads_no_models_and_no_command_line() -> None:
    code = "import gurucli.sdk, sys; print([m for m in ('pydantic', 'typer', 'rich', 'httpx') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert said.stdout.strip() == "[]"
    assert issubclass(Refused, GuruError)


@pytest.mark.parametrize("number", range(5))
def test_an_example_of_the_page_does_what_it_says(
    number: int, guru: Guru, double: Double, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    guru.close()
    page = (Path(__file__).resolve().parents[2] / "docs/sdk.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    exec(compile(examples[number], "docs/sdk.md", "exec"), {"url": double.url, "key": TOKEN, "ca": authority.ca})

    assert len(examples) == 5
    assert ["d0 ", "1 changed", "G0404 ", "device.online 7", ""][number] in capsys.readouterr().out
