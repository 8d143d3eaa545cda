"""Somebody signs in by a passkey: from the client's first word to the session, through the real application."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select

from guru_policy.access.rulebook import HeldSignIn, Rulebook
from guru_policy.kinds.sign_in_policy import Method
from guru_server.accounts import attempts
from guru_server.accounts.attempts import challenge_of
from guru_server.accounts.browser_page import POLICY, SCRIPT
from guru_server.audit.tables import audit
from guru_server.rights.store import keep_rulebook
from guru_server.store.schema import TENANT
from tests.server.accounts.conftest import Person, ada
from tests.server.conftest import Api
from tests.server.passkeys.authenticator import Authenticator

__all__ = ["ada"]

ORIGIN = "https://guru.example:8443"


class Terminal:
    """A client that began, with its secret; what a browser does for it."""

    def __init__(self, person: Person) -> None:
        self.person, self.verifier, self.state = person, secrets.token_urlsafe(32), secrets.token_urlsafe(24)
        self.begun: dict[str, Any] = {}

    def asked(self, **more: Any) -> dict[str, Any]:
        return {"challenge": challenge_of(self.verifier), "state": self.state, "port": 40_123, **more}

    async def begin(self, way: str = "passkey") -> httpx.Response:
        reply = await self.person.ask("POST", "/sign-in/attempts", token="", json=self.asked(way=way, client="t"))
        self.begun = reply.json()
        return reply

    async def browse(self, key: Authenticator) -> httpx.Response:
        http = self.person.api.http
        given = await http.post("/sign-in/passkey/ceremony", json={"attempt": self.begun["id"]})
        assert given.status_code == 200, given.text
        options = given.json()["options"]
        answer = key.make(options) if given.json()["register_one"] else key.sign(options)
        return await http.post("/sign-in/passkey/answer", json={
            "attempt": self.begun["id"], "ceremony": given.json()["ceremony"], "answer": answer})

    def code(self, reply: httpx.Response) -> str:
        assert reply.status_code == 200, reply.text
        place = urlsplit(reply.json()["location"])
        words = parse_qs(place.query)
        assert (place.scheme, place.netloc, words["state"]) == ("http", "127.0.0.1:40123", [self.state])
        return words["code"][0]

    async def redeem(self, code: str, **more: Any) -> httpx.Response:
        body = {"attempt": self.begun["id"], "code": code, "verifier": self.verifier, **more}
        reply = await self.person.ask("POST", "/sign-in/exchange", token="", json=body)
        if reply.status_code == 201:
            self.person.tokens = reply.json()
        return reply


async def added(person: Person, key: Authenticator) -> httpx.Response:
    """A passkey for whoever is signed in."""
    terminal = Terminal(person)
    begun = await person.ask("POST", "/account/passkeys/attempts", json=terminal.asked(label="blue"))
    if begun.status_code != 201:
        return begun
    terminal.begun = begun.json()
    code = terminal.code(await terminal.browse(key))
    return await person.ask("POST", "/account/passkeys", json={
        "attempt": terminal.begun["id"], "code": code, "verifier": terminal.verifier})


async def deeds(api: Api) -> list[str]:
    return list(await api.db.read(lambda c: c.execute(select(audit.c.action)).scalars().all()))


@pytest.fixture
async def key(ada: Person) -> Authenticator:
    """Ada's passkey; she is signed in by her password."""
    await ada.sign_in()
    made = Authenticator(ORIGIN)
    kept = await added(ada, made)
    assert kept.status_code == 201, kept.text
    return made


async def test_a_passkey_opens_a_session_and_counts_as_a_second_factor(ada: Person, key: Authenticator) -> None:
    terminal = Terminal(ada)
    await terminal.begin()
    opened = await terminal.redeem(terminal.code(await terminal.browse(key)))
    [mine] = [one for one in (await ada.ask("GET", "/sessions")).json()["items"] if one["current"]]

    assert opened.status_code == 201, opened.text
    assert (await ada.ask("GET", "/whoami")).json()["name"] == "ada"
    assert (mine["method"], mine["mfa_at"]) == ("passkey", ada.api.clock())


async def test_a_code_is_good_once_and_only_with_the_secret_and_the_key_that_began(
    ada: Person, key: Authenticator
) -> None:
    once, guessed, stolen = Terminal(ada), Terminal(ada), Terminal(ada)
    await once.begin()
    code = once.code(await once.browse(key))
    assert (await once.redeem(code)).status_code == 201
    again = await once.redeem(code)

    await guessed.begin()
    code = guessed.code(await guessed.browse(key))
    without_secret = await guessed.redeem(code, verifier=secrets.token_urlsafe(32))
    after_a_guess = await guessed.redeem(code)

    await stolen.begin()
    code, thief = stolen.code(await stolen.browse(key)), Person(ada.api, "ada")
    elsewhere = await thief.ask("POST", "/sign-in/exchange", token="", json={
        "attempt": stolen.begun["id"], "code": code, "verifier": stolen.verifier})

    assert [one.status_code for one in (again, without_secret, after_a_guess, elsewhere)] == [401] * 4
    assert (await stolen.redeem(code)).status_code == 201       # the thief spoilt nothing


async def test_an_attempt_ends_after_five_minutes_and_is_finished_once(ada: Person, key: Authenticator) -> None:
    terminal = Terminal(ada)
    await terminal.begin()
    code = terminal.code(await terminal.browse(key))
    second = await ada.api.http.post("/sign-in/passkey/ceremony", json={"attempt": terminal.begun["id"]})
    ada.api.clock.now += attempts.LIFE

    assert second.status_code == 404
    assert (await terminal.redeem(code)).status_code == 401


async def test_a_passkey_counts_only_once_its_code_came_back_to_whoever_began(ada: Person) -> None:
    await ada.sign_in()
    terminal, key = Terminal(ada), Authenticator(ORIGIN)
    terminal.begun = (await ada.ask("POST", "/account/passkeys/attempts", json=terminal.asked())).json()
    code = terminal.code(await terminal.browse(key))
    other = Person(ada.api, "ada")
    await other.sign_in()
    taken = await other.ask("POST", "/account/passkeys", json={
        "attempt": terminal.begun["id"], "code": code, "verifier": terminal.verifier})
    signed = Terminal(ada)
    await signed.begin()

    assert taken.status_code == 400, taken.text
    assert (await signed.browse(key)).status_code == 401
    assert (await ada.ask("GET", "/account/passkeys")).json()["items"] == []


async def test_another_passkey_takes_a_fresh_second_factor_and_a_removed_one_is_worth_nothing(
    ada: Person, key: Authenticator
) -> None:
    refused = await added(ada, Authenticator(ORIGIN))           # this session has shown a password alone
    terminal = Terminal(ada)
    await terminal.begin()
    await terminal.redeem(terminal.code(await terminal.browse(key)))
    ada.api.clock.now += 1_000
    second = await added(ada, Authenticator(ORIGIN))
    listed = (await ada.ask("GET", "/account/passkeys")).json()["items"]
    gone = await ada.ask("DELETE", f"/account/passkeys/{listed[0]['id'][:12]}")
    late = Terminal(ada)
    await late.begin()

    assert (refused.status_code, second.status_code, gone.status_code) == (403, 201, 200)
    assert [one["label"] for one in listed] == ["blue", "blue"]
    assert (await late.browse(key)).status_code == 401
    assert {"PasskeyAdded", "PasskeyRemoved", "SignedIn"} <= set(await deeds(ada.api))


async def test_an_invitation_takes_passkeys_away(ada: Person, key: Authenticator) -> None:
    await ada.join("admin", "quite another set of words")
    terminal = Terminal(ada)
    await terminal.begin()

    assert (await terminal.browse(key)).status_code == 401


async def test_a_locked_person_is_not_let_in_by_a_passkey(ada: Person, key: Authenticator) -> None:
    terminal = Terminal(ada)
    await terminal.begin()
    locked = await ada.api.http.post("/users/ada/lock", json={"reason": "left"})
    seen = await terminal.browse(key)

    assert locked.status_code == 200, locked.text
    assert (seen.status_code, seen.json()["detail"]) == (401, "this account is locked: left")


async def test_who_shows_wrong_passkeys_again_and_again_is_braked(ada: Person, key: Authenticator) -> None:
    stranger = Authenticator(ORIGIN)
    terminal = Terminal(ada)
    await terminal.begin()
    seen = [(await terminal.browse(stranger)).status_code for _ in range(21)]

    assert seen == [401] * 20 + [429]


@pytest.mark.parametrize("body", [
    {"port": 80}, {"port": 70_000}, {"port": "40123@evil.example"}, {"state": "short"}, {"challenge": "x" * 43 + "\n"},
    {"way": "password"}, {"way": "register"}, {"provider": "corp"},
])
async def test_nothing_but_a_port_of_the_browsers_machine_is_ever_gone_to(ada: Person, body: dict[str, Any]) -> None:
    asked = Terminal(ada).asked(way="passkey") | body
    reply = await ada.ask("POST", "/sign-in/attempts", token="", json=asked)

    assert reply.status_code in (400, 401, 422), reply.text


async def test_the_page_runs_its_own_script_alone_and_shows_the_clients_name_as_text(ada: Person) -> None:
    await ada.ask("POST", "/sign-in/attempts", token="", json=Terminal(ada).asked(way="passkey"))
    begun = (await ada.ask("POST", "/sign-in/attempts", token="", json=Terminal(ada).asked(
        way="passkey", client="<script>alert(1)</script>\x1b[31m"))).json()
    page = await ada.api.http.get(begun["url"])
    gone = await ada.api.http.get("https://guru.example/auth/passkey?attempt=" + "0" * 32)

    assert page.status_code == 200
    assert page.headers["content-security-policy"] == POLICY
    assert page.text.count("<script>") == 1
    assert SCRIPT in page.text
    assert "&lt;script&gt;" in page.text
    assert begun["check"] in page.text
    assert not {" onclick", " style=", "http://"} & set(page.text.split("\""))
    assert (gone.status_code, "script" in gone.text) == (404, False)


async def policy(api: Api, *methods: Method, **more: Any) -> None:
    book = Rulebook(revision=secrets.token_hex(20), sign_in=HeldSignIn(methods=methods, **more))
    await api.db.write(lambda connection: keep_rulebook(connection, TENANT, book))


async def test_where_passwords_are_not_taken_one_leads_to_a_first_passkey_and_nowhere_else(ada: Person) -> None:
    await policy(ada.api, "passkey")
    opened = await ada.sign_in()
    looked = await ada.ask("GET", "/users")
    key = Authenticator(ORIGIN)
    made = await added(ada, key)
    again = await ada.sign_in()
    terminal = Terminal(ada)
    await terminal.begin()
    await terminal.redeem(terminal.code(await terminal.browse(key)))

    assert (opened.status_code, opened.json()["set_up"], looked.status_code) == (201, True, 403)
    assert (made.status_code, again.status_code) == (201, 401)
    assert (await ada.ask("GET", "/users")).status_code == 200


async def test_a_required_second_factor_is_shown_by_a_passkey(ada: Person, key: Authenticator) -> None:
    await policy(ada.api, "password", "passkey", second_factor="required")
    terminal = Terminal(ada)
    await terminal.begin()
    await terminal.redeem(terminal.code(await terminal.browse(key)))

    assert (await ada.ask("GET", "/users")).status_code == 200


async def test_a_way_that_the_policy_drops_ends_its_sessions_with_the_next_request(
    ada: Person, key: Authenticator
) -> None:
    terminal = Terminal(ada)
    await terminal.begin()
    await terminal.redeem(terminal.code(await terminal.browse(key)))
    await policy(ada.api, "password")
    begun = await Terminal(ada).begin()

    assert (await ada.ask("GET", "/whoami")).status_code == 401
    assert begun.status_code == 401
