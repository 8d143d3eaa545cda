"""People sign in by a provider that Git names, and by nobody else's word."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import select

from guru_server.accounts import accounts, attempts, browser_page
from guru_server.audit.tables import audit
from guru_server.store.schema import TENANT
from tests.server.sso.conftest import Office, provider


async def test_a_person_gets_the_groups_that_the_provider_names_and_git_maps(desk: Office) -> None:
    opened = await desk.sign_in()
    me = (await desk.ask("GET", "/whoami")).json()
    [mine] = (await desk.ask("GET", "/sessions")).json()["items"]

    assert opened.status_code == 201, opened.text
    assert (me["name"], me["role"]) == ("bo", "")
    assert [(one["role"], one["scope"]) for one in me["roles"]] == [("look", "customers/acme")]
    assert (mine["method"], mine["mfa_at"]) == ("sso", desk.idp.about["auth_time"] * 1000)


async def test_a_token_about_somebody_else_signs_nobody_in_and_is_told(desk: Office) -> None:
    desk.idp.about |= {"email": "dee@example.com"}
    answer = await desk.sign_in()
    desk.idp.about |= {"email": "bo@example.com", "nonce": "0" * 64}
    other = await desk.sign_in()

    assert (answer.status_code, other.status_code) == (400, 400)
    assert "names nobody" in answer.text
    assert "another question" in other.text


@pytest.mark.parametrize("how", ["none", "key", "secret", "kid"])
async def test_no_signature_but_the_providers_own_counts(desk: Office, how: str) -> None:
    if how == "none":
        desk.idp.signed_by = "none"
    elif how == "key":
        desk.idp.signed_by = RSAKey.generate_key(2048, parameters={"kid": "one"})
    elif how == "secret":
        desk.idp.head = {"alg": "HS256"}
        desk.idp.signed_by = "none"
    else:
        desk.idp.signed_by = RSAKey.generate_key(2048, parameters={"kid": "two"})

    assert (await desk.sign_in()).status_code == 400


async def test_a_code_and_an_answer_are_good_once(desk: Office) -> None:
    words = desk.idp.authorized(await desk.leave())
    back = await desk.come_back(words)
    replayed = await desk.come_back(words)
    spent = await desk.redeem(back)
    again = await desk.redeem(back)

    assert (back.status_code, replayed.status_code) == (303, 400)
    assert (spent.status_code, again.status_code) == (201, 401)


async def test_the_providers_code_of_another_sign_in_is_worth_nothing(desk: Office) -> None:
    stolen = desk.idp.authorized(await desk.leave())            # of somebody else's way: its PKCE is another
    words = desk.idp.authorized(await desk.leave())

    assert (await desk.come_back({**words, "code": stolen["code"]})).status_code == 400


@pytest.mark.parametrize("change", [{"iss": "https://evil.example"}, {"iss": ""}, {"state": "0" * 32 + "." + "0" * 40},
                                    {"state": ""}, {"code": ""}, {"error": "access_denied"}])
async def test_an_answer_from_elsewhere_or_for_nobody_leads_nowhere(desk: Office, change: dict[str, str]) -> None:
    words = desk.idp.authorized(await desk.leave()) | change
    answer = await desk.come_back(words)

    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_a_provider_that_always_names_itself_is_not_believed_without(desk: Office) -> None:
    words = desk.idp.authorized(await desk.leave())
    del words["iss"]

    assert (await desk.come_back(words)).status_code == 400


async def test_the_way_belongs_to_one_browser_and_nobody_is_sent_past_the_page(desk: Office) -> None:
    words = desk.idp.authorized(await desk.leave())
    kept = dict(desk.http.cookies)
    desk.http.cookies.clear()
    elsewhere = await desk.come_back(words)
    await desk.begin()
    past = await desk.http.get(f"/auth/sso/go?attempt={desk.begun['id']}")
    page = await desk.http.get(f"/auth/sso/start?attempt={desk.begun['id']}")

    assert set(kept) == {"__Host-guru-start", "__Host-guru-sso"}
    assert (elsewhere.status_code, past.status_code) == (400, 400)
    assert "SameSite=strict" in page.headers["set-cookie"]
    assert "HttpOnly" in page.headers["set-cookie"]
    assert "Secure" in page.headers["set-cookie"]


async def test_the_pages_lead_on_through_the_door_of_their_tenant(desk: Office) -> None:
    await desk.begin()
    page = (await desk.http.get(f"/auth/sso/start?attempt={desk.begun['id']}")).text
    [link] = re.findall(r'href="([^"]+)"', page)
    [asked] = re.findall(r'fetch\("([^"]+)"', browser_page.SCRIPT)

    assert urljoin("/t/acme/auth/sso/start?attempt=x", link) == f"/t/acme/auth/sso/go?attempt={desk.begun['id']}"
    assert urljoin("/t/acme/auth/passkey?attempt=x", asked) == "/t/acme/api/v1/sign-in/passkey/"


async def test_no_word_of_a_request_chooses_where_a_browser_goes(desk: Office) -> None:
    place = await desk.leave()
    asked = parse_qs(urlsplit(place).query)
    begun = await desk.begin(redirect_uri="https://evil.example", port=40_124)
    more = "&redirect_uri=https://evil.example&port=1&next=//evil.example"
    await desk.http.get(f"/auth/sso/start?attempt={begun.json()['id']}{more}")
    away = await desk.http.get(f"/auth/sso/go?attempt={begun.json()['id']}{more}")
    words = desk.idp.authorized(away.headers["location"])
    back = await desk.come_back({**words, "redirect_uri": "https://evil.example"})

    assert place.startswith(desk.idp.url)
    assert asked["redirect_uri"] == ["https://guru.example/auth/sso/callback"]
    assert asked["code_challenge_method"] == ["S256"]
    assert "evil" not in away.headers["location"]
    assert back.headers["location"].startswith("http://127.0.0.1:40124/?code=")


async def test_another_terminal_on_the_same_machine_gets_nothing_by_the_code(desk: Office) -> None:
    back = await desk.come_back(desk.idp.authorized(await desk.leave()))
    thief = Office(desk.http, desk.db, desk.idp, desk.files)
    thief.begun, thief.verifier = desk.begun, desk.verifier

    assert (await thief.redeem(back)).status_code == 401
    assert (await desk.redeem(back)).status_code == 201


async def test_what_git_takes_back_ends_with_the_next_request(desk: Office) -> None:
    await desk.sign_in()
    await desk.push({"org/provider.yaml": provider(desk.idp.url).replace("rmm desk", "another desk")})
    unmapped = (await desk.ask("GET", "/whoami")).json()
    await desk.push({"org/provider.yaml": provider(desk.idp.url, name="other")})
    gone = await desk.ask("GET", "/whoami")

    assert unmapped["roles"] == []
    assert gone.status_code == 401


async def test_a_fixed_role_is_given_by_no_provider(desk: Office) -> None:
    def work(connection: Any) -> None:
        code = accounts.invite(connection, TENANT, "bo", "admin", now=desk.idp.clock(), actor="server")
        accounts.accept(connection, TENANT, code, "x", now=desk.idp.clock())

    await desk.db.write(work)
    answer = await desk.sign_in()

    assert (answer.status_code, "fixed role" in answer.text) == (401, True)


async def test_a_required_second_factor_is_the_providers_to_tell(desk: Office) -> None:
    policy = "apiVersion: guru/v1\nkind: SignInPolicy\nmetadata: {name: s}\nspec: {secondFactor: required}\n"
    await desk.push({"org/policy.yaml": policy})
    with_it = await desk.sign_in()
    desk.idp.about |= {"amr": ["pwd"]}
    without = await desk.sign_in()
    desk.idp.about |= {"acr": "mfa", "auth_time": None}
    unknown_when = await desk.sign_in()

    assert (with_it.status_code, without.status_code, unknown_when.status_code) == (201, 401, 401)


async def test_a_person_who_is_locked_is_out_and_comes_in_no_more(desk: Office) -> None:
    await desk.sign_in()
    root = {"authorization": "Bearer " + await desk.db.write(lambda connection: _admin(connection, desk))}
    locked = await desk.http.post("/api/v1/users/bo/lock", json={"reason": "left"}, headers=root)
    out = await desk.ask("GET", "/whoami")
    again = await desk.sign_in()

    assert locked.status_code == 200, locked.text
    assert (out.status_code, again.status_code, "left" in again.text) == (401, 400, True)


async def test_a_provider_has_to_be_named_when_there_are_several_and_known(desk: Office) -> None:
    await desk.push({"org/second.yaml": provider("https://second.example", name="second")})
    unnamed, named, unknown = await desk.begin(), await desk.begin(provider="corp"), await desk.begin(provider="x")

    assert [one.status_code for one in (unnamed, named, unknown)] == [404, 201, 404]


@pytest.mark.parametrize("place", ["http://guru.example/x", "https://169.254.169.254/latest", "javascript:alert(1)",
                                   "https://user@evil.example/", None])
async def test_a_document_that_leads_astray_is_not_followed(desk: Office, place: str | None) -> None:
    desk.idp.said["/.well-known/openid-configuration"] |= {"token_endpoint": place}
    answer = await desk.sign_in()
    desk.idp.said["/.well-known/openid-configuration"] |= {"authorization_endpoint": place}

    assert answer.status_code == 503


async def test_it_is_told_who_came_and_who_did_not(desk: Office) -> None:
    await desk.sign_in()
    desk.idp.about |= {"email": "dee@example.com"}
    await desk.sign_in()
    rows = await desk.db.read(lambda c: c.execute(select(audit.c.actor, audit.c.action, audit.c.result)).all())

    assert any((row[0], row[1]) == ("person:bo", "SignedIn") and "sso" in row[2] for row in rows)


async def test_an_attempt_waits_for_the_provider_no_longer_than_five_minutes(desk: Office) -> None:
    words = desk.idp.authorized(await desk.leave())
    desk.idp.clock.now += attempts.LIFE

    assert (await desk.come_back(words)).status_code == 400


def _admin(connection: Any, desk: Office) -> str:
    from guru_server.identity import people

    return people.create(connection, TENANT, "root", "admin", now=desk.idp.clock(), ttl=None, actor="test")


