"""People sign in by a provider of SAML that Git names, and only by what it said to this question."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from guru_server.accounts import attempts
from guru_server.audit.tables import audit
from tests.server.sso.saml.conftest import ANSWERS, ASSERTED, MFA, OURS, SPOKEN, House, certificate, provider

METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"


@pytest.mark.parametrize("signs", [["assertion"], ["response"], ["assertion", "response"]])
async def test_a_person_gets_the_groups_that_the_provider_names_and_git_maps(house: House, signs: list[str]) -> None:
    house.idp.signs = signs
    opened = await house.sign_in()
    me = (await house.ask("GET", "/whoami")).json()
    [mine] = (await house.ask("GET", "/sessions")).json()["items"]

    assert opened.status_code == 201, opened.text
    assert (me["name"], me["role"], [one["role"] for one in me["roles"]]) == ("bo", "", ["look"])
    assert (mine["method"], mine["mfa_at"]) == ("sso", house.idp.clock() - 5000)


async def test_the_request_names_this_door_and_nothing_of_it_chooses_where_a_browser_goes(house: House) -> None:
    place = await house.leave()
    request, relay = house.idp.asked(place)

    assert place.startswith("https://id.example/sso?x=1&SAMLRequest=")
    assert (request.tag, request.get("Version")) == (f"{{{SPOKEN}}}AuthnRequest", "2.0")
    assert request.get("AssertionConsumerServiceURL") == ANSWERS
    assert request.findtext(f"{{{ASSERTED}}}Issuer") == OURS
    assert re.fullmatch(r"[0-9a-f]{32}\.[0-9a-f]{40}", relay)


async def test_what_a_provider_has_to_know_of_this_door_is_told_to_anybody(house: House) -> None:
    told = await house.http.get("/auth/saml/metadata")
    root = ElementTree.fromstring(told.text)
    service = root.find(f"{{{METADATA}}}SPSSODescriptor/{{{METADATA}}}AssertionConsumerService")

    assert root.get("entityID") == OURS
    assert service is not None
    assert service.get("Location") == ANSWERS


@pytest.mark.parametrize(("about", "why"), [
    ({"issuer": "https://other.example"}, "another issuer"), ({"audience": f"{OURS}/"}, "another audience"),
    ({"audience": "https://guru.example/t/acme/auth/saml/metadata"}, "another audience"),
    ({"recipient": "https://guru.example/t/acme/auth/saml/acs"}, "another address"),
    ({"destination": "https://evil.example/acs"}, "another address"),
    ({"request": "_0"}, "another question"), ({"answers": "_0"}, "another question"),
    ({"until": -31}, "expired"), ({"confirmed": -31}, "expired"), ({"since": 31}, "not good yet"),
    ({"began": 31}, "not good yet"), ({"began": -44_000}, "too long ago"), ({"ended": -31}, "too long ago"),
    ({"method": "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"}, "nothing in it confirms"),
    ({"method": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"}, "nothing in it confirms"),
    ({"conditions": "<saml:Condition/>"}, "not understood"), ({"statement": False}, "tell of one sign-in"),
    ({"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}, "signed nobody in"),
    ({"attributes": {"tenant": ["bolt"]}}, "claim tenant"), ({"attributes": {}}, "claim tenant"),
    ({"attributes": {"tenant": ["acme", "bolt"]}}, "claim tenant"),
    ({"name": "eve@example.com"}, "names nobody"), ({"name": "cy@elsewhere.example"}, "this domain"),
    ({"name": "bo@example.com.evil.example"}, "this domain"), ({"name": ""}, "who you are"),
    ({"name": "bo@example.com<saml:X>.evil.example</saml:X>"}, "who you are"),
    ({"attributes": {"tenant": ["acme"], "email": ["bo@example.com"]}, "name": "248"}, "this domain"),
])
async def test_what_is_not_exactly_so_signs_nobody_in(house: House, about: dict[str, Any], why: str) -> None:
    house.idp.about |= about
    answer = await house.sign_in()

    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert why in answer.text


@pytest.mark.parametrize("about", [
    {"until": -29}, {"confirmed": -29}, {"since": 29}, {"began": 29}, {"destination": None}, {"answers": ""}])
async def test_a_clock_may_be_off_by_half_a_minute_and_what_is_optional_may_be_missing(
    house: House, about: dict[str, Any]
) -> None:
    house.idp.about |= about

    assert (await house.sign_in()).status_code == 201


async def test_a_signed_response_has_to_name_where_it_goes(house: House) -> None:
    house.idp.signs, house.idp.about["destination"] = ["response"], None

    assert "another address" in (await house.sign_in()).text


async def test_an_answer_is_taken_once_from_one_browser_for_one_attempt(house: House) -> None:
    words = house.idp.answered(await house.leave())
    kept = dict(house.http.cookies)
    house.http.cookies.clear()
    elsewhere = await house.come_back(words)
    house.http.cookies.update(kept)
    back = await house.come_back(words)
    house.http.cookies.update(kept)
    replayed = await house.come_back(words)
    _, relay = house.idp.asked(await house.leave())
    moved = await house.come_back({**words, "RelayState": relay})       # the same assertion for another attempt
    spent, again = await house.redeem(back), await house.redeem(back)

    assert [one.status_code for one in (elsewhere, back, replayed, moved)] == [400, 303, 400, 400]
    assert "another question" in moved.text
    assert 201 not in (spent.status_code, again.status_code)            # the newer attempt's terminal asks by now


async def test_the_code_is_good_once_for_the_terminal_that_began(house: House) -> None:
    back = await house.come_back(house.idp.answered(await house.leave()))
    thief = House(house.http, house.db, house.idp, house.files)         # type: ignore[arg-type]
    thief.begun, thief.verifier = house.begun, house.verifier
    stolen, spent, again = await thief.redeem(back), await house.redeem(back), await house.redeem(back)

    assert [one.status_code for one in (stolen, spent, again)] == [401, 201, 401]


@pytest.mark.parametrize("change", [
    {"RelayState": ""}, {"RelayState": "https://evil.example"}, {"RelayState": "0" * 32 + "." + "0" * 40},
    {"SAMLResponse": ""}, {"SAMLResponse": "not base64!"}, {"SAMLResponse": "PHg+"}])
async def test_a_form_for_nobody_leads_nowhere(house: House, change: dict[str, str]) -> None:
    answer = await house.come_back(house.idp.answered(await house.leave()) | change)

    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_an_unsolicited_answer_and_one_after_five_minutes_come_too_late(house: House) -> None:
    words = house.idp.answered(await house.leave())
    house.idp.clock.now += attempts.LIFE

    assert (await house.come_back(words)).status_code == 400
    assert (await house.come_back({"SAMLResponse": words["SAMLResponse"]})).status_code == 400


async def test_the_way_back_of_one_protocol_is_closed_to_the_other(house: House) -> None:
    _, relay = house.idp.asked(await house.leave())

    assert (await house.http.get(f"/auth/sso/callback?code=x&state={relay}")).status_code == 400


async def test_the_cookie_of_the_way_comes_along_with_the_providers_form(house: House) -> None:
    await house.begin()
    page = await house.http.get(f"/auth/sso/start?attempt={house.begun['id']}")
    away = await house.http.get(f"/auth/sso/go?attempt={house.begun['id']}")

    assert "Go on to id.example" in page.text
    assert all(word in away.headers["set-cookie"] for word in ("SameSite=none", "HttpOnly", "Secure", "__Host-"))


async def test_another_attribute_may_be_the_address_or_the_persons_own_name(house: House) -> None:
    mail = "    email: urn:oid:0.9.2342.19200300.100.1.3\n"
    await house.push({"org/provider.yaml": provider(house.idp.pem, saml=mail)})
    house.idp.about |= {"name": "248", "attributes": {
        "tenant": ["acme"], "urn:oid:0.9.2342.19200300.100.1.3": ["Bo@Example.com"]}}
    by_address = await house.sign_in()
    await house.push({"org/provider.yaml": provider(house.idp.pem, more="  person: uid\n")})
    house.idp.about["attributes"] |= {"uid": ["cy"]}
    await house.sign_in()
    me = (await house.ask("GET", "/whoami")).json()
    house.idp.about["attributes"] |= {"uid": ["cy", "ada"]}
    both = await house.sign_in()

    assert (by_address.status_code, me["name"]) == (201, "cy")
    assert "who you are" in both.text


async def test_a_required_second_factor_is_the_providers_to_tell(house: House) -> None:
    policy = "apiVersion: guru/v1\nkind: SignInPolicy\nmetadata: {name: s}\nspec: {secondFactor: required}\n"
    await house.push({"org/policy.yaml": policy})
    with_it = await house.sign_in()
    house.idp.about["context"] = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
    without = await house.sign_in()
    house.idp.about["attributes"] |= {"http://schemas.microsoft.com/claims/authnmethodsreferences": ["x", MFA]}
    by_attribute = await house.sign_in()

    assert [one.status_code for one in (with_it, without, by_attribute)] == [201, 401, 201]


async def test_certificates_change_with_both_in_git_and_an_old_one_is_not_believed(
    house: House, other_keys: Any
) -> None:
    from datetime import UTC, datetime, timedelta

    since = datetime.fromtimestamp(house.idp.clock() / 1000, UTC)
    new = certificate(other_keys[1], since)
    await house.push({"org/provider.yaml": provider(new, house.idp.pem)})
    by_the_old = await house.sign_in()
    house.idp.key, house.idp.method = other_keys[1], "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
    by_the_new = await house.sign_in()
    await house.push({"org/provider.yaml": provider(certificate(other_keys[1], since - timedelta(9), 8))})
    ended = await house.sign_in()

    assert [one.status_code for one in (by_the_old, by_the_new, ended)] == [201, 201, 400]
    assert "out of date" in ended.text


async def test_it_is_told_who_came_and_who_did_not(house: House) -> None:
    await house.sign_in()
    house.idp.about["name"] = "eve@example.com"
    await house.sign_in()
    rows = await house.db.read(lambda c: c.execute(select(audit.c.actor, audit.c.action, audit.c.result)).all())

    assert any((row[0], row[1]) == ("person:bo", "SignedIn") for row in rows)
    assert any(row[1] == "SignInFailed" for row in rows)
    assert not any("eve" in str(row) or "PHNhbWxw" in str(row) for row in rows)
