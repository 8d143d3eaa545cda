"""People whom a provider keeps here: what Entra ID and Okta send, who signs in, and whose names are out of reach."""

from __future__ import annotations

from typing import Any

import pytest

from guru_policy.inventory import Place
from guru_server.accounts import accounts
from guru_server.fleet.changing import Newcomer, enrol
from guru_server.identity import people
from guru_server.store.schema import TENANT
from tests.server.provisioning.conftest import ENTERPRISE, KEEPS, PATCH, USER, Scim, key_of
from tests.server.rights.conftest import binding
from tests.server.sso.conftest import database_url, provider

__all__ = ["database_url"]

DEE = {"sub": "pairwise", "oid": "o-1", "email": "dee@example.com", "email_verified": False}


async def signed_in(scim: Scim, **about: Any) -> int:
    """How a sign-in by the provider ends."""
    scim.desk.idp.about |= DEE | about
    return (await scim.desk.sign_in()).status_code


async def asks(scim: Scim, path: str = "/whoami") -> Any:
    return (await scim.desk.ask("GET", path)).json()


async def test_somebody_whom_the_provider_keeps_here_has_what_git_gives_their_groups(scim: Scim) -> None:
    dee = await scim.add("dee@example.com", "o-1")
    for name in ("rmm desk", "look", "helpdesk", "RMM DESK"):
        await scim.group(name, *([dee] if name != "rmm desk" else []))
    opened = await signed_in(scim, groups=["rmm desk"])
    before = await asks(scim)
    [desk] = (await scim("GET", '/Groups?filter=displayName eq "rmm desk"')).json()["Resources"]
    await scim.patch(f"/Groups/{desk['id']}", {"op": "add", "path": "members", "value": [{"value": dee}]})
    after = await asks(scim)

    assert (opened, before["name"], before["roles"]) == (201, "dee@example.com", [])
    assert [(one["role"], one["scope"]) for one in after["roles"]] == [("look", "customers/acme")]
    assert await scim.told("GroupChanged") == [
        ("key:entra", "group:rmm desk", "corp: it is group:helpdesk; + dee@example.com")]


@pytest.mark.parametrize("how", ["entra", "okta", "delete", "git", "key"])
async def test_whoever_is_taken_back_is_out_with_the_next_request(scim: Scim, how: str) -> None:
    dee = await scim.add("dee@example.com", "o-1")
    assert await signed_in(scim) == 201
    if how == "entra":
        done = await scim.patch(f"/Users/{dee}", {"op": "Replace", "path": "active", "value": "False"})
    elif how == "okta":
        done = await scim.patch(f"/Users/{dee}", {"op": "replace", "value": {"active": False}})
    elif how == "delete":
        done = await scim("DELETE", f"/Users/{dee}")
    else:
        other = "" if how == "git" else KEEPS.replace("entra", "okta")
        await scim.desk.push({"org/provider.yaml": provider(scim.desk.idp.url, more=other)})
        done = await scim("GET", "/Users")
    refused = await scim.desk.ask("GET", "/whoami")

    assert done.status_code == {"delete": 204, "git": 403, "key": 403}.get(how, 200), done.text
    assert refused.status_code == (200 if how == "key" else 401)
    assert await signed_in(scim) == (201 if how == "key" else 400)
    if how in ("entra", "okta"):
        assert await scim.told("PersonDeactivated") == [
            ("key:entra", "person:dee@example.com", "corp: 1 sessions ended")]


@pytest.mark.parametrize("about", [
    {"oid": "o-2"}, {"oid": ""}, {"oid": None}, {"oid": ["o-1"]}, {"tenant": "evil"},
    {"oid": "O-1", "email": "dee@example.com", "email_verified": True},
])
async def test_nobody_else_of_the_provider_gets_in_as_them(scim: Scim, about: dict[str, Any]) -> None:
    await scim.add("dee@example.com", "o-1")
    await scim.add("nobody@example.com")

    assert await signed_in(scim, **about) == 400


async def test_a_person_of_git_is_out_of_reach_whatever_comes_first(scim: Scim) -> None:
    bo = await scim("POST", "/Users", {"schemas": [USER], "userName": "BO", "externalId": "o-9"})
    dee = await scim.add("dee", "o-1")
    assert await signed_in(scim) == 201
    await scim.desk.push({"org/dee.yaml": "apiVersion: guru/v1\nkind: Person\nmetadata: {name: dee}\nspec: {}\n"})
    changed = [await scim.patch(f"/Users/{dee}", {"op": "replace", "path": "active", "value": False}),
               await scim("DELETE", f"/Users/{dee}")]

    assert (bo.status_code, bo.json()["scimType"]) == (409, "uniqueness")
    assert [one.status_code for one in changed] == [409, 409]
    assert "Git wins" in changed[0].json()["detail"]
    assert await signed_in(scim) == 400


@pytest.mark.parametrize("whose", ["account", "invitation", "token", "binding"])
async def test_nobody_gets_the_name_of_somebody_who_is_here_already(scim: Scim, whose: str) -> None:
    if whose == "account":
        await scim.desk.db.write(lambda connection: accounts.stand_for(connection, TENANT, "Dee", now=1))
    elif whose == "invitation":
        await scim.desk.db.write(lambda connection: accounts.invite(connection, TENANT, "Dee", "", now=1, actor="x"))
    elif whose == "token":
        await key_of(scim.desk, "Dee", "person")
    else:
        await scim.desk.push({"org/dee.yaml": binding("dee", "user:Dee", "look", "org")})
    taken = await scim("POST", "/Users", {"schemas": [USER], "userName": "dee"})
    other = await scim.add("eve", "o-2")
    renamed = await scim.patch(f"/Users/{other}", {"op": "replace", "path": "userName", "value": "dee"})

    assert (taken.status_code, renamed.status_code) == (409, 409)


async def test_what_entra_sends_is_understood_and_what_is_of_no_use_is_not_kept(scim: Scim) -> None:
    sent = await scim("POST", "/Users", {
        "schemas": [USER, ENTERPRISE], "userName": "dee@example.com", "externalId": "o-1", "active": True,
        "title": "boss", "meta": {"resourceType": "User"}, "roles": [],
        "password": "never", "emails": [{"primary": True, "type": "work", "value": "dee@example.com"}],
        "name": {"givenName": "Dee", "familyName": "Doe"}, ENTERPRISE: {"department": "desk"}})
    dee = sent.json()["id"]
    done = await scim.patch(
        f"/Users/{dee}", {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "d.doe@example.com"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "555"},
        {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": "other"},
        {"op": "Add", "value": {"displayName": "Dee", "name.givenName": "Deirdre"}})
    found = (await scim("GET", '/Users?filter=userName eq "DEE@example.com"')).json()
    none = (await scim("GET", '/Users?filter=externalId eq "o-7"')).json()

    assert done.status_code == 200, done.text
    assert found["totalResults"] == 1
    assert (none["totalResults"], none.get("Resources", [])) == (0, [])
    assert found["Resources"][0] == done.json()
    assert done.json()["emails"] == [{"value": "d.doe@example.com", "type": "work", "primary": True}]
    assert done.json()["name"] == {"givenName": "Deirdre", "familyName": "Doe"}
    assert not {"password", "title", "phoneNumbers", ENTERPRISE} & set(done.json())


async def test_only_the_key_that_git_names_comes_for_the_provider(scim: Scim) -> None:
    dee = await scim.add("dee", "o-1")
    for name, kind in (("okta", "key"), ("entra", "person"), ("entra", "service")):
        other = Scim(scim.desk, await key_of(scim.desk, name, kind))    # type: ignore[arg-type]
        assert (await other("GET", f"/Users/{dee}")).status_code in (401, 403)
    nobody = await Scim(scim.desk, "nonsense")("GET", "/Users")
    await scim.desk.push({"org/okta.yaml": provider("https://okta.example", "okta", KEEPS.replace("entra", "okta"))})
    okta = Scim(scim.desk, await key_of(scim.desk, "okta"))
    theirs = (await okta("GET", "/Users")).json()

    assert (nobody.status_code, nobody.json()["schemas"]) == (401, ["urn:ietf:params:scim:api:messages:2.0:Error"])
    assert ((await okta("GET", f"/Users/{dee}")).status_code, theirs["totalResults"]) == (404, 0)
    assert (await okta("POST", "/Groups", {"displayName": "x", "members": [{"value": dee}]})).status_code == 400


@pytest.mark.parametrize(("method", "path", "body", "status", "kind"), [
    ("POST", "/Users", {"schemas": [USER]}, 400, "invalidValue"),
    ("POST", "/Users", {"schemas": [USER], "userName": "a b"}, 400, "invalidValue"),
    ("POST", "/Users", {"schemas": [USER], "userName": "x", "displayName": "x" * 20_000}, 400, "invalidValue"),
    ("GET", "/Users?filter=userName eq", None, 400, "invalidFilter"),
    ("GET", "/Users?filter=userName eq \"" + "x" * 1000 + '"', None, 400, "invalidValue"),
    ("PATCH", "/Users/DEE", {"schemas": [PATCH], "Operations": [{"op": "remove"}]}, 400, "noTarget"),
    ("PATCH", "/Users/DEE", {"schemas": [PATCH], "Operations": [{"op": "add", "value": {}}] * 101}, 400,
     "invalidValue"),
    ("PATCH", "/Users/DEE", [], 400, "invalidSyntax"),
    ("POST", "/Users", {"schemas": [USER], "userName": "dee"}, 409, "uniqueness"),
    ("POST", "/Users", {"schemas": [USER], "userName": "eve", "externalId": "o-1"}, 409, "uniqueness"),
    ("POST", "/Bulk", {}, 501, None), ("GET", "/Nothing", None, 404, None), ("GET", "/Users/none", None, 404, None),
])
async def test_what_makes_no_sense_is_refused_in_the_words_of_scim(
    scim: Scim, method: str, path: str, body: Any, status: int, kind: str | None
) -> None:
    dee = await scim.add("dee", "o-1")
    answer = await scim(method, path.replace("DEE", dee), body)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/scim+json"
    assert (answer.json()["status"], answer.json().get("scimType")) == (str(status), kind) or kind is None


async def test_who_manages_users_sees_them_locks_them_and_learns_where_a_right_comes_from(scim: Scim) -> None:
    dee = await scim.add("dee", "o-1")
    await scim.group("rmm desk", dee)
    assert await signed_in(scim) == 201
    token = await scim.desk.db.write(lambda connection: people.create(
        connection, TENANT, "root", "admin", now=1, ttl=None, actor="test"))
    await scim.desk.db.write(lambda connection: enrol(connection, TENANT, Newcomer(
        "d" * 32, "pc1", Place("acme", "hq"), "A" * 43 + "=", {}, "1.0", "t"), 1))
    admin = Scim(scim.desk, token).headers

    async def asked(method: str, path: str, body: Any = None) -> Any:
        return (await scim.desk.http.request(method, f"/api/v1{path}", json=body, headers=admin)).json()

    [row] = [one for one in (await asked("GET", "/users"))["items"] if one["name"] == "dee"]
    why = await asked("GET", f"/access/explain?subject=user:dee&verb=device.read&device={'d' * 32}")
    invited = await asked("POST", "/users/dee/invitation")
    locked = await asked("POST", "/users/dee/lock", {"reason": "lost a laptop"})

    assert (row["provider"], row["groups"], row["state"], row["sessions"]) == ("corp", ["helpdesk"], "active", 1)
    assert (why["allowed"], why["groups"]) == (True, [{"group": "helpdesk", "by": "corp"}])
    assert (invited["status"], "signs in there" in invited["detail"]) == (403, True)
    assert (locked["state"], locked["sessions"], await signed_in(scim)) == ("locked", 0, 400)
