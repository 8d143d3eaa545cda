"""A browser brings a code back to the terminal; nothing else that comes to the listener counts."""

from __future__ import annotations

import http.client
import threading
from pathlib import Path
from typing import Any

import pytest

from guru_policy.errors import DeadlinePassed
from gurucli import contexts
from gurucli.browsing import challenge_of
from gurucli.loopback import Listener
from gurucli.transport import fingerprint
from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import Authority, Double


def visit(listener: Listener, target: str, host: str = "") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=20)
    connection.request("GET", target, headers={"Host": host or f"127.0.0.1:{listener.port}"})
    answer = connection.getresponse()
    assert "no-store" in answer.headers["Cache-Control"]
    connection.close()
    return answer.status


def test_only_a_visit_that_knows_the_state_at_this_very_address_is_believed() -> None:
    with Listener() as listener:
        good = f"/?code=right&state={listener.state}"
        seen: list[int] = []

        def visits() -> None:
            for target, host in (
                ("/?code=wrong&state=guessed", ""), ("/?code=wrong", ""), ("/favicon.ico", ""),
                (good.replace("right", "rebound"), f"evil.example:{listener.port}"),
                (f"/?code=&state={listener.state}", ""),
                ("/?" + "&".join(f"a{n}=1" for n in range(50)), ""), (good, ""),
            ):
                seen.append(visit(listener, target, host))

        thread = threading.Thread(target=visits)
        thread.start()
        code = listener.wait(60)
        thread.join(20)

    assert code == "right"
    assert seen == [400] * 6 + [200]


def test_nobody_waits_for_ever() -> None:
    with Listener() as listener, pytest.raises(DeadlinePassed):
        listener.wait(0.01)


def test_login_by_passkey_keeps_a_session_that_is_bound_to_a_key(
    guru: Guru, double: Double, authority: Authority, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GURU_KEYRING", "off")
    double.answers["POST /sign-in/attempts"] = canned.browsing
    double.answers["POST /sign-in/exchange"] = {
        "session": "s1", "name": "ada", "access": "a.b.c", "expires_at": 1 << 50, "refresh": "r", "ends_at": 1 << 50}
    place = home / "new/config.json"
    done = guru("login", double.url, "--pin", fingerprint(authority.ca), "--passkey", "--context", "prod", config=place)
    [begun], [spent] = (double.requests("POST", f"/sign-in/{one}") for one in ("attempts", "exchange"))
    body: dict[str, Any] = spent.body

    assert done.code == 0, done.err
    assert "123 456" in done.err
    assert contexts.load(place).named("prod").session == "file"
    assert begun.body["way"] == "passkey"
    assert begun.body["challenge"] == challenge_of(body["verifier"])      # the secret itself came last
    assert body["code"] == "one"
    assert body["verifier"] not in done.out + done.err


def test_login_by_a_code_waits_until_somebody_lets_it_in(
    guru: Guru, double: Double, authority: Authority, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GURU_KEYRING", "off")
    session = {"session": "s1", "name": "ada", "access": "a.b.c", "expires_at": 1 << 50, "refresh": "r",
               "ends_at": 1 << 50}
    answers: list[Any] = [(202, {"waiting": True, "interval": 1}), (201, session)]
    double.answers["POST /sign-in/device"] = {"id": "a1", "user_code": "BCDF-GHJK", "interval": 1, "expires_at": 1,
                                              "apiVersion": "guru/v1"}
    double.answers["POST /sign-in/device/exchange"] = lambda _: answers.pop(0)
    place = home / "new/config.json"
    done = guru("login", double.url, "--pin", fingerprint(authority.ca), "--device", config=place)

    assert done.code == 0, done.err
    assert "guru session approve BCDF-GHJK" in done.err
    assert contexts.load(place).named("localhost").session == "file"


def test_login_at_a_provider_names_it_and_goes_with_no_other_way(
    guru: Guru, double: Double, authority: Authority, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GURU_KEYRING", "off")
    double.answers["POST /sign-in/attempts"] = canned.browsing
    double.answers["POST /sign-in/exchange"] = {
        "session": "s1", "name": "ada", "access": "a.b.c", "expires_at": 1 << 50, "refresh": "r", "ends_at": 1 << 50}
    pinned = ("login", double.url, "--pin", fingerprint(authority.ca))
    done = guru(*pinned, "--sso", "--provider", "corp", config=home / "new/config.json")
    alone, both = guru(*pinned, "--provider", "corp"), guru(*pinned, "--sso", "--passkey")
    [begun] = double.requests("POST", "/sign-in/attempts")

    assert done.code == 0, done.err
    assert (begun.body["way"], begun.body["provider"]) == ("sso", "corp")
    assert (alone.code, both.code) == (2, 2)
