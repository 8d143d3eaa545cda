"""What an ID token has to say, one claim after the other."""

from __future__ import annotations

from typing import Any

import pytest

from guru_policy.access.rulebook import HeldProvider, HeldUser, Rulebook
from guru_policy.errors import NotSignedIn
from guru_server.sso.claims import Asked, at_hash, mapped, vouched

NOW = 1_800_000_000
ASKED = Asked("n" * 64, "access", 3600, NOW * 1000)
CORP = HeldProvider(
    name="corp", title="Corp", issuer="https://id.example", client_id="guru", scopes=(), person="email",
    domains=("example.com",), claims=(("tenant", ("acme",)),), groups_claim="groups",
    groups=(("rmm desk", "helpdesk"),), second_factor=("mfa",))
BOOK = Rulebook(revision="r", users=(
    HeldUser(name="bo", email="bo@example.com"), HeldUser(name="cy", email="twice@example.com"),
    HeldUser(name="dee", email="twice@example.com"), HeldUser(name="eve")))
GOOD: dict[str, Any] = {
    "iss": "https://id.example", "aud": "guru", "nonce": "n" * 64, "iat": NOW, "exp": NOW + 300, "sub": "1",
    "at_hash": at_hash("access", "RS256"), "auth_time": NOW - 60, "amr": ["pwd", "mfa"], "tenant": "acme",
    "email": "Bo@Example.com", "email_verified": True, "groups": ["rmm desk", "admin", 7, None]}


def read(provider: HeldProvider = CORP, **more: Any) -> Any:
    said = {name: value for name, value in (GOOD | more).items() if value != "absent"}
    return vouched(provider, BOOK, said, "RS256", ASKED)


def test_a_good_token_names_a_person_their_mapped_groups_and_when_two_factors_were_shown() -> None:
    assert read() == ("bo", ("rmm desk",), (NOW - 60) * 1000, "")


@pytest.mark.parametrize(("about", "why"), [
    ({"iss": "https://other.example"}, "of another issuer"), ({"iss": "https://id.example/"}, "of another issuer"),
    ({"aud": "another"}, "another client"), ({"aud": ["guru", "another"]}, "another client"),
    ({"azp": "another"}, "another client"), ({"aud": None}, "another client"),
    ({"nonce": "0" * 64}, "another question"), ({"nonce": "absent"}, "another question"),
    ({"exp": NOW - 60}, "expired"), ({"exp": "absent"}, "when it ends"), ({"iat": NOW + 60}, "not good yet"),
    ({"at_hash": "x" * 22}, "another access token"), ({"auth_time": NOW - 4000}, "too long ago"),
    ({"auth_time": "now"}, "too long ago"), ({"tenant": "bolt"}, "claim tenant"),
    ({"tenant": "absent"}, "claim tenant"),
    ({"email_verified": False}, "not verified"), ({"email_verified": "true"}, "not verified"),
    ({"email_verified": "absent"}, "not verified"), ({"email": "bo@example.com.evil.example"}, "this domain"),
    ({"email": "cy@elsewhere.example"}, "this domain"), ({"email": "nobody@example.com"}, "names nobody"),
    ({"email": "twice@example.com"}, "names several"), ({"email": ["bo@example.com"]}, "who you are"),
    ({"email": ""}, "who you are"), ({"email": "@example.com"}, "names nobody"),
])
def test_what_is_not_exactly_so_signs_nobody_in(about: dict[str, Any], why: str) -> None:
    with pytest.raises(NotSignedIn, match=why):
        read(**about)


@pytest.mark.parametrize(("about", "at"), [
    ({"amr": ["pwd"]}, None), ({"amr": "mfa"}, None), ({"amr": "absent", "acr": "mfa"}, (NOW - 60) * 1000),
    ({"auth_time": "absent"}, None),
])
def test_a_second_factor_counts_only_when_it_is_said_which_and_when(about: dict[str, Any], at: int | None) -> None:
    assert read(**about).mfa_at == at


def test_another_claim_is_the_persons_own_name() -> None:
    by_name = CORP.model_copy(update={"person": "preferred_username"})

    assert read(by_name, preferred_username="eve", email="absent").name == "eve"
    with pytest.raises(NotSignedIn, match="names nobody"):
        read(by_name, preferred_username="Eve")


def test_the_digest_of_an_access_token_is_that_of_the_standards_own_example() -> None:
    token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"

    assert at_hash(token, "RS256") == "77QmUPtjPfzWtF2AnpK9RQ"


def test_whom_the_provider_keeps_here_is_known_by_the_claim_that_git_names_in_saml_too() -> None:
    keeping = CORP.model_copy(update={"key": "corp", "claim": "NameID"})
    said = {"NameID": "u-7", "email": "new@example.com", "email_verified": True}
    assert mapped(keeping, BOOK, said).subject == "u-7"
    assert mapped(keeping, BOOK, said | {"email": "bo@example.com"}) == ("bo", (), None, "")
    with pytest.raises(NotSignedIn):
        mapped(CORP, BOOK, said)
