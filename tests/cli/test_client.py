"""The client against a real TLS server: pages, translated errors, bounds."""

from __future__ import annotations

import socket
from typing import get_type_hints

import pytest
from pydantic import BaseModel

from guru_policy.errors import DeadlinePassed, NotFound, PolicyInvalid, Unreachable, Unsupported, Untrusted
from guru_wire import (
    access,
    alerting,
    audit_log,
    drift,
    enrolment,
    events,
    exporting,
    health,
    holdings,
    jobs,
    operator,
    people,
    schedules,
    secrets,
    sign_ins,
    standing,
    transfers,
    uplink,
)
from gurucli import (
    answers,
    answers_alerting,
    answers_audit,
    answers_events,
    answers_exporting,
    answers_inventory,
    answers_jobs,
    answers_people,
    answers_planning,
    answers_rights,
    answers_schedules,
    answers_standing,
    answers_transfers,
)
from gurucli.answers import Status, WhoAmI
from gurucli.client import Client, part
from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import TOKEN, Authority, Double, Reply, make_authority, problem
from tests.cli.double import Asked as Request


@pytest.fixture
def client(double: Double, authority: Authority) -> Client:
    """Signed in at the double."""
    return Client(double.url, TOKEN, ca=authority.ca)


def test_every_page_is_fetched_once_over_one_connection(client: Client, double: Double) -> None:
    def page(asked: Request) -> Reply:
        number = int(asked.query.get("cursor", "0"))
        row = canned.device(f"d{number}").model_dump()
        return {"items": [row], "total": 3, "next": str(number + 1) if number < 2 else None}

    double.answers["GET /devices"] = page

    with client:
        assert [row["name"] for row in client.devices("os=linux")] == ["d0", "d1", "d2"]
    assert [one.query.get("cursor") for one in double.asked] == [None, "1", "2"]
    assert {one.query["selector"] for one in double.asked} == {"os=linux"}


def test_all_devices_are_one_question_and_a_few_are_a_small_one(client: Client, double: Double) -> None:
    double.answers["GET /devices"] = {"items": [canned.device("d0").model_dump()], "total": 9, "next": None}
    with client:
        list(client.devices())
        list(client.devices(limit=5))

    assert [one.query["limit"] for one in double.asked] == ["10000", "5"]


def test_a_problem_becomes_the_error_it_stands_for(client: Client) -> None:
    with client, pytest.raises(NotFound):
        client.get(WhoAmI, "/devices/nobody")


def test_faults_of_the_repository_come_with_their_places(client: Client, double: Double) -> None:
    line = canned.fault().model_dump()
    double.answers["GET /status"] = problem(422, "G0422", "1 fault", 10, faults=[line])

    with client, pytest.raises(PolicyInvalid) as caught:
        client.get(Status, "/status")
    assert str(caught.value.faults[0]).startswith("org/a.yaml:3:5: unknown key")


def test_another_authority_is_not_believed(double: Double) -> None:
    with Client(double.url, TOKEN, ca=make_authority().ca) as client, pytest.raises(Untrusted):
        client.get(WhoAmI, "/whoami")
    assert double.asked == []


def test_nobody_at_the_address_is_unreachable(authority: Authority) -> None:
    with Client("https://localhost:1", TOKEN, ca=authority.ca) as client, pytest.raises(Unreachable):
        client.get(WhoAmI, "/whoami")


def test_a_server_that_says_nothing_is_a_deadline(authority: Authority) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = f"https://localhost:{mute.getsockname()[1]}"
        with Client(url, TOKEN, ca=authority.ca, timeout=0.2) as client, pytest.raises(DeadlinePassed):
            client.get(WhoAmI, "/whoami")


@pytest.mark.parametrize(
    "answer", [(200, b"<html>"), (200, {"items": []}), (200, []), (302, {}), (200, b"[" * 100_000)]
)
def test_an_answer_of_another_kind_of_server_is_told(answer: Reply, client: Client, double: Double) -> None:
    double.answers["GET /whoami"] = answer

    with client, pytest.raises(Unsupported):
        client.get(WhoAmI, "/whoami")


def test_a_name_cannot_leave_its_place_in_the_path() -> None:
    assert part("acme/hq/web 01?x=1#y") == "acme/hq/web%2001%3Fx%3D1%23y"
    assert ".." not in part("../../whoami").split("/")


WIRE = (
    access, alerting, audit_log, drift, enrolment, events, exporting, health, holdings, jobs, operator, people,
    schedules, secrets, sign_ins, standing, transfers, uplink,
)
MODELS = {
    name: model for module in WIRE
    for name, model in vars(module).items() if isinstance(model, type) and issubclass(model, BaseModel)}
MODELS["Verdict"] = uplink.Verdict
ANSWERS = (
    answers, answers_alerting, answers_audit, answers_events, answers_exporting, answers_inventory, answers_jobs,
    answers_people,
    answers_planning, answers_rights, answers_schedules, answers_standing, answers_transfers,
)
SHAPES = {name: shape for module in ANSWERS
          for name, shape in vars(module).items() if hasattr(shape, "__required_keys__")}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_has_the_members_of_its_model(name: str) -> None:
    fields = {field.alias or key for key, field in MODELS[name].model_fields.items()}

    assert set(get_type_hints(SHAPES[name])) == fields


def test_fields_of_any_request_become_its_query_or_its_body(guru: Guru, double: Double) -> None:
    double.answers["POST /enrolment-tokens"] = {"token": "t"}

    assert guru("api", "POST", "/enrolment-tokens", "-F", "customer=acme", "-F", "uses=5").code == 0
    assert guru("api", "GET", "/devices", "-F", "limit=1").code == 0

    assert double.requests("POST", "/enrolment-tokens")[-1].body == {"customer": "acme", "uses": 5}
    assert double.requests("GET", "/devices")[-1].query == {"limit": "1"}


def test_a_server_that_hangs_up_twice_is_unreachable(double: Double) -> None:
    with Client(double.url, "token", ca=double.authority.ca) as server:
        server.call("GET", "/devices")                          # from here on the connection is an old one
        double.answers["GET /devices"] = lambda asked: 1 // 0   # the double dies of it without an answer
        with pytest.raises(Unreachable, match="hung up"):
            server.call("GET", "/devices")
