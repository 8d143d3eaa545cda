"""A shell without a browser is let in from another one, where the repository says so, and administers nothing."""

from __future__ import annotations

import secrets
from typing import Any

import httpx
import pytest

from guru_policy.access.asking import Circumstances, Subject
from guru_policy.access.builtin import BUILT_IN
from guru_policy.access.deciding import ADMINISTRATIVE, EVERYTHING, decide
from guru_policy.access.grants import grants_of
from guru_policy.access.rulebook import HeldSignIn, Rulebook
from guru_policy.kinds.role import VERBS
from guru_server.accounts import attempts
from guru_server.accounts.attempts import challenge_of
from guru_server.rights.store import keep_rulebook
from guru_server.store.schema import TENANT
from tests.server.accounts.conftest import Person
from tests.server.conftest import Api


class Shell:
    """One that waits: its key is another person's object, its secret is its own."""

    def __init__(self, api: Api) -> None:
        self.hands, self.verifier, self.given = Person(api, "ada"), secrets.token_urlsafe(32), dict[str, Any]()

    async def begin(self) -> httpx.Response:
        reply = await self.hands.ask("POST", "/sign-in/device", token="", json={
            "challenge": challenge_of(self.verifier), "client": "guru on server1"})
        self.given = reply.json()
        return reply

    async def poll(self, **more: Any) -> httpx.Response:
        self.hands.api.clock.now += 5_000
        reply = await self.hands.ask("POST", "/sign-in/device/exchange", token="", json={
            "attempt": self.given["id"], "verifier": self.verifier, **more})
        if reply.status_code == 201:
            self.hands.tokens = reply.json()
        return reply


async def allow(api: Api, *, device_flow: bool = True) -> None:
    book = Rulebook(revision=secrets.token_hex(20), sign_in=HeldSignIn(device_flow=device_flow))
    await api.db.write(lambda connection: keep_rulebook(connection, TENANT, book))


@pytest.fixture
async def shell(ada: Person) -> Shell:
    await allow(ada.api)
    await ada.sign_in()
    return Shell(ada.api)


async def approve(person: Person, code: str, what: str = "approval") -> httpx.Response:
    return await person.ask("POST", f"/device-codes/{what}", json={"code": code})


async def test_a_shell_is_let_in_by_whoever_sees_where_it_is(ada: Person, shell: Shell) -> None:
    await shell.begin()
    early = await shell.poll()
    seen = await approve(ada, shell.given["user_code"], "look")
    agreed = await approve(ada, shell.given["user_code"].lower().replace("-", " "))
    tokens, again = await shell.poll(), await shell.poll()
    me = await shell.hands.ask("GET", "/whoami")
    rows = (await ada.ask("GET", "/sessions")).json()["items"]

    assert (early.status_code, early.json()["waiting"]) == (202, True)
    assert seen.json() | {"apiVersion": ""} == {
        "apiVersion": "", "client": "guru on server1", "address": "127.0.0.1", "admitted": False,
        "expires_at": seen.json()["expires_at"]}
    assert (agreed.status_code, tokens.status_code, again.status_code) == (200, 201, 401)
    assert me.json()["name"] == "ada"
    assert {(one["method"], one["mfa_at"]) for one in rows} == {("password", None), ("device", None)}


async def test_what_is_signed_in_so_administers_nothing_and_lets_nobody_else_in(ada: Person, shell: Shell) -> None:
    await shell.begin()
    await approve(ada, shell.given["user_code"])
    await shell.poll()
    second = Shell(ada.api)
    await second.begin()
    refused = [
        await shell.hands.ask("GET", "/users"), await shell.hands.ask("GET", "/keys"),
        await shell.hands.ask("POST", "/account/totp"), await approve(shell.hands, second.given["user_code"]),
        await shell.hands.ask("POST", "/account/passkeys/attempts", json={
            "challenge": challenge_of(shell.verifier), "state": "s" * 30, "port": 40_123}),
    ]

    assert [one.status_code for one in refused] == [403] * 5
    assert (await shell.hands.ask("GET", "/devices")).status_code == 200


def test_every_verb_but_those_that_administer_is_decided_as_ever() -> None:
    grants = grants_of(BUILT_IN, frozenset({"role:admin"}))
    subject = Subject(frozenset({"user:ada"}), "device")
    no = {verb for verb in VERBS if not decide(subject, verb, [EVERYTHING], grants, Circumstances(0)).allowed}
    ever = {verb for verb in VERBS
            if not decide(subject._replace(sign_in="person"), verb, [EVERYTHING], grants, Circumstances(0)).allowed}

    assert no - ever == ADMINISTRATIVE
    assert {"user.manage", "approval.give", "access.break_glass", "secret.read"} <= no


async def test_it_is_off_unless_the_repository_says_so_and_ends_with_it(ada: Person, shell: Shell) -> None:
    await shell.begin()
    await approve(ada, shell.given["user_code"])
    await shell.poll()
    await allow(ada.api, device_flow=False)
    begun, gone = await Shell(ada.api).begin(), await shell.hands.ask("GET", "/whoami")

    assert (begun.status_code, gone.status_code) == (401, 401)


async def test_a_code_is_for_one_shell_for_five_minutes_and_is_not_guessed(ada: Person, shell: Shell) -> None:
    await shell.begin()
    thief = Shell(ada.api)
    thief.given, thief.verifier = shell.given, shell.verifier
    await approve(ada, shell.given["user_code"])
    stolen, other_secret = await thief.poll(), await shell.poll(verifier="x" * 43)
    guesses = [(await approve(ada, "BCDF-GHJK")).status_code for _ in range(10)]
    late = Shell(ada.api)
    await late.begin()
    ada.api.clock.now += attempts.LIFE
    await ada.refresh()

    assert (stolen.status_code, other_secret.status_code) == (401, 401)
    assert set(guesses) == {404, 429}
    assert (await approve(ada, late.given["user_code"])).status_code == 404
    assert (await late.poll()).status_code == 401


async def test_letting_a_shell_in_takes_a_fresh_second_factor_where_there_is_one(ada: Person, shell: Shell) -> None:
    await ada.set_up()
    await shell.begin()
    fresh = await approve(ada, shell.given["user_code"], "look")
    ada.api.clock.now += 599_000 + 2_000
    await ada.refresh()
    second = Shell(ada.api)
    await second.begin()
    stale = await approve(ada, second.given["user_code"])

    assert (fresh.status_code, stale.status_code) == (200, 403)
    assert "second factor" in stale.json()["detail"]
