"""People sign in with a password and a second factor, and get what is worth nothing to anybody else."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from guru_server.identity.people import Person as Who
from tests.server.accounts.conftest import WORDS, Person
from tests.server.conftest import Api


async def test_a_password_opens_a_session_that_says_who_one_is(ada: Person) -> None:
    answer = await ada.sign_in()
    me = await ada.ask("GET", "/whoami")

    assert answer.status_code == 201
    assert (me.status_code, me.json()["name"], me.json()["role"]) == (200, "ada", "admin")


@pytest.mark.parametrize(("user", "password"), [("ada", "another one entirely"), ("nobody", WORDS), ("ada", "x" * 900)])
async def test_a_wrong_name_and_a_wrong_password_are_told_the_same(
    ada: Person, user: str, password: str
) -> None:
    ada.name = user
    answer = await ada.sign_in(password)

    assert (answer.status_code, answer.json()["code"]) == (401, "G0401")
    assert answer.json()["detail"] == "the name or the password is wrong"


async def test_the_second_factor_is_asked_for_only_once_the_password_is_right(ada: Person) -> None:
    await ada.sign_in()
    await ada.set_up()
    wrong = await ada.sign_in("not the password")
    missing = await ada.sign_in()
    ada.api.clock.now += 30_000
    right = await ada.sign_in(code=ada.code())
    again = await ada.sign_in(code=ada.code())

    assert wrong.json()["code"] == "G0401"
    assert missing.json()["code"] == "G0402"
    assert right.status_code == 201
    assert again.status_code == 401                         # no code counts twice


async def test_a_recovery_code_counts_once_however_it_is_typed(ada: Person) -> None:
    await ada.sign_in()
    code = (await ada.set_up())[3]
    first = await ada.sign_in(code=code.replace("-", " ").upper())
    second = await ada.sign_in(code=code)
    state = (await ada.ask("GET", "/account")).json()

    assert (first.status_code, second.status_code, state["recovery_codes"]) == (201, 401, 9)


async def test_a_token_is_worth_nothing_without_the_key_or_for_another_request(ada: Person) -> None:
    await ada.sign_in()
    thief = Person(ada.api, "ada")
    thief.tokens = ada.tokens
    used = ada.proof("GET", "/whoami", ada.tokens["access"])
    stolen = await thief.ask("GET", "/whoami")
    bare = await ada.ask("GET", "/whoami", proof="")
    other = await ada.ask("GET", "/account", proof=ada.proof("GET", "/whoami", ada.tokens["access"]))
    of_another = await ada.ask("GET", "/whoami", proof=ada.proof("GET", "/whoami", "another token"))
    first, replayed = await ada.ask("GET", "/whoami", proof=used), await ada.ask("GET", "/whoami", proof=used)

    assert [one.status_code for one in (stolen, bare, other, of_another)] == [401] * 4
    assert (first.status_code, replayed.status_code) == (200, 401)


async def test_a_token_ends_after_ten_minutes_and_a_proof_after_one(ada: Person) -> None:
    await ada.sign_in()
    proof = ada.proof("GET", "/whoami", ada.tokens["access"])
    ada.api.clock.now += 61_000
    late = await ada.ask("GET", "/whoami", proof=proof)
    good = await ada.ask("GET", "/whoami")
    ada.api.clock.now += 600_000
    over = await ada.ask("GET", "/whoami")

    assert (late.status_code, good.status_code, over.status_code) == (401, 200, 401)


async def test_a_refresh_token_is_good_once_and_a_copy_of_it_ends_the_session(ada: Person) -> None:
    await ada.sign_in()
    first = ada.tokens["refresh"]
    second = (await ada.refresh()).json()["refresh"]
    lost = await ada.refresh(first)                         # the answer got lost: the same client asks again
    third = (await ada.refresh()).json()["refresh"]
    copied = await ada.refresh(first)
    after = await ada.refresh(third)
    used = await ada.ask("GET", "/whoami")

    assert lost.json()["refresh"] == second
    assert third != second
    assert (copied.status_code, after.status_code, used.status_code) == (401, 401, 401)


async def test_a_stolen_refresh_token_opens_nothing_with_another_key(ada: Person) -> None:
    await ada.sign_in()
    thief = Person(ada.api, "ada")
    stolen = await thief.refresh(ada.tokens["refresh"])

    assert stolen.status_code == 401
    assert (await ada.refresh()).status_code == 200         # whose it is goes on


@pytest.mark.parametrize("text", ["", "gurur_x", f"gurur_{'0' * 32}_0_{'0' * 64}", "x" * 5000, "gurur_ä_1_2"])
async def test_a_refresh_token_that_was_made_up_is_none(ada: Person, text: str) -> None:
    await ada.sign_in()
    made_up = await ada.refresh(text or " ")

    assert made_up.status_code in (400, 401)
    assert (await ada.refresh()).status_code == 200


async def test_sessions_are_listed_and_ended_and_a_changed_password_ends_the_others(ada: Person) -> None:
    await ada.sign_in()
    laptop, other = ada.tokens, Person(ada.api, "ada")
    await other.sign_in()
    listed = (await ada.ask("GET", "/sessions")).json()["items"]
    wrong = await ada.ask("POST", "/account/password", json={"old": "no", "new": "five words in a row"})
    changed = await ada.ask("POST", "/account/password", json={"old": WORDS, "new": "five words in a row"})
    gone, here = await other.ask("GET", "/whoami"), await ada.ask("GET", "/whoami")
    out = await ada.ask("DELETE", "/sessions/current")
    after = await ada.ask("GET", "/whoami")

    assert [one["current"] for one in listed].count(True) == 1
    assert {one["id"] for one in listed} == {laptop["session"], other.tokens["session"]}
    assert (wrong.status_code, changed.json()["ended"]) == (403, 1)
    assert (gone.status_code, here.status_code) == (401, 200)
    assert (out.status_code, after.status_code) == (200, 401)


async def test_whoever_guesses_is_braked_and_shuts_nobody_out(ada: Person) -> None:
    await ada.sign_in()                                     # this client's key is known from here on
    stranger = Person(ada.api, "ada")
    tries = [(await stranger.sign_in(f"guess number {n}")).status_code for n in range(8)]
    known = await ada.sign_in()
    elsewhere = (await stranger.sign_in()).status_code
    ada.api.clock.now += 120_000
    later = await stranger.sign_in()

    assert tries == [401] * 5 + [429] * 3
    assert known.status_code == 201
    assert elsewhere == 429
    assert later.status_code == 201


async def test_a_locked_account_is_out_with_the_next_request(ada: Person, api: Api) -> None:
    await ada.sign_in()
    bob = Person(api, "bob")
    await bob.join()
    await bob.sign_in()
    before = await bob.ask("GET", "/whoami")
    locked = await ada.ask("POST", "/users/bob/lock", json={"reason": "left the company"})
    after, again = await bob.ask("GET", "/whoami"), await bob.sign_in()
    await ada.ask("DELETE", "/users/bob/lock")
    back = await bob.sign_in()

    assert (before.status_code, locked.json()["state"]) == (200, "locked")
    assert (after.status_code, again.status_code, back.status_code) == (401, 401, 201)
    assert "left the company" in again.json()["detail"]


async def test_an_invitation_sets_a_password_once(ada: Person, api: Api) -> None:
    await ada.sign_in()
    code = (await ada.ask("POST", "/users/carl/invitation")).json()["invitation"]
    weak = await api.http.post("/account/invitation", json={"invitation": code, "password": "carlcarlcarl"})
    good = await api.http.post("/account/invitation", json={"invitation": code, "password": WORDS})
    again = await api.http.post("/account/invitation", json={"invitation": code, "password": WORDS})

    assert (weak.status_code, good.status_code, again.status_code) == (400, 200, 404)
    assert await Person(api, "carl").sign_in() is not None


@pytest.mark.parametrize("name", ["bo;rm -rf", "bo%00", "ä"])
async def test_what_cannot_be_a_name_is_told_in_words(ada: Person, name: str) -> None:
    await ada.sign_in()
    answer = await ada.ask("POST", f"/users/{name}/invitation", proof=ada.proof(
        "POST", f"/users/{unquote(name)}/invitation", ada.tokens["access"]))

    assert answer.status_code == 400
    assert "pattern" not in answer.json()["detail"]


async def test_a_token_from_the_machine_has_no_account(api: Api) -> None:
    assert (await api.http.get("/account")).status_code == 403
    assert (await api.http.post("/account/totp")).status_code == 403


def test_a_session_is_a_person_with_a_second_factor_and_a_token_is_not() -> None:
    who = Who("s", "ada", "", None, session=True, mfa_at=7)

    assert (who.subject.names, who.subject.sign_in, who.subject.mfa_at) == ({"user:ada"}, "person", 7)
    assert who._replace(session=False, mfa_at=None).subject.sign_in == "token"
