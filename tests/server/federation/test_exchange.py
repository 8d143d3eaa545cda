"""A job signs in by its forge's own token, and nobody else does by anything like it."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import select

from guru_server.audit.tables import audit
from guru_server.federation.exchanging import LIFE
from tests.server.federation.conftest import Ci, account


async def test_a_job_of_the_trusted_repository_gets_what_its_bindings_give_for_a_quarter_of_an_hour(ci: Ci) -> None:
    answer = await ci.exchange()
    token = answer.json()["access_token"]
    me = (await ci.ask("/whoami", token)).json()
    may = (await ci.ask("/devices", token)).status_code
    may_not = (await ci.ask("/audit", token)).status_code
    ci.world.clock.now += LIFE * 1000
    late = (await ci.ask("/whoami", token)).status_code

    assert (answer.status_code, answer.json()["token_type"], answer.json()["expires_in"]) == (200, "Bearer", 900)
    assert answer.headers["cache-control"] == "no-store"
    assert (me["kind"], me["name"], me["role"]) == ("service", "ci-acme", "")
    assert (may, may_not, late) == (200, 403, 401)


async def test_an_exchange_is_in_the_audit_log_with_the_job_and_without_the_token(ci: Ci) -> None:
    token = (await ci.exchange()).json()["access_token"]
    rows = await ci.world.db.read(lambda connection: connection.execute(
        select(audit.c.actor, audit.c.object, audit.c.result).where(audit.c.action == "TokenExchanged")).all())

    assert [(row[0], row[1]) for row in rows] == [("service:ci-acme", f"token:{token.split('_')[1]}")]
    assert rows[0][2] == f"{ci.issuer.url} says repo:acme/fleet:ref:refs/heads/main"


@pytest.mark.parametrize(("claims", "why"), [
    ({"aud": "sigstore"}, "audience"), ({"aud": ["a", "b"]}, "audience"), ({"aud": None}, "audience"),
    ({"repository": "evil/fleet"}, "claim repository"), ({"repository": None}, "claim repository"),
    ({"repository": ["acme/fleet"]}, "claim repository"), ({"repository": "acme/fleet "}, "claim repository"),
    ({"ref": "refs/heads/mine"}, "claim ref"), ({"ref": "refs/pull/7/merge"}, "claim ref"),
    ({"exp": 1}, "expired"), ({"exp": None}, "when it ends"), ({"exp": "9999999999"}, "when it ends"),
    ({"iat": 1}, "expired"), ({"iat": 9_999_999_999}, "not good yet"), ({"nbf": 9_999_999_999}, "not good yet"),
])
async def test_a_token_that_is_not_exactly_what_git_asks_for_is_refused(
    ci: Ci, claims: dict[str, Any], why: str
) -> None:
    answer = await ci.exchange(ci.issuer.token(ci.world.clock(), **claims))

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert why in answer.json()["error_description"]


def _part(what: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(what).encode()).rstrip(b"=").decode()


async def test_no_signature_but_the_issuers_own_counts(ci: Ci) -> None:
    now, good = ci.world.clock(), ci.issuer.token(ci.world.clock())
    head, body, signature = good.split(".")
    stranger = RSAKey.generate_key(2048, parameters={"kid": "one"})
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    public = ci.issuer.key.as_pem(private=False)            # taken as a shared secret
    shared = f"{_part({'alg': 'HS256', 'kid': 'one'})}.{body}"
    mac = base64.urlsafe_b64encode(hmac.digest(public, shared.encode(), "sha256")).rstrip(b"=").decode()
    forged = {
        "none": f"{_part({'alg': 'none', 'kid': 'one'})}.{body}.",
        "cut": f"{head}.{body}.", "other body": f"{head}.{_part({**claims, 'repository': 'x'})}.{signature}",
        "own key under the same name": ci.issuer.token(now, stranger),
        "key in the head": ci.issuer.token(now, stranger, {"jwk": stranger.as_dict(private=False)}),
        "hmac": f"{shared}.{mac}",
        "unknown key": ci.issuer.token(now, RSAKey.generate_key(2048, parameters={"kid": "two"})),
        "critical": f"{_part({'alg': 'RS256', 'kid': 'one', 'crit': ['x']})}.{body}.{signature}",
        "no word": "x", "many dots": ".".join("abcdef"), "long": "a" * 30_000,
    }
    told = {name: (await ci.exchange(token)).status_code for name, token in forged.items()}
    ci.world.clock.now += 120_000

    assert told == dict.fromkeys(forged, 400)
    assert (await ci.exchange(good)).status_code == 200


async def test_an_issuer_that_git_does_not_name_is_never_asked(ci: Ci) -> None:
    answer = await ci.exchange(ci.issuer.token(ci.world.clock(), iss=ci.issuer.url + "/"))

    assert answer.json()["error_description"] == "no service account trusts the issuer of this token"
    assert ci.issuer.asked == []


async def test_keys_rotate_without_a_restart_and_names_made_up_do_not_make_the_issuer_busy(ci: Ci) -> None:
    assert (await ci.exchange()).status_code == 200
    newer = ECKey.generate_key("P-256", parameters={"kid": "newer"})
    ci.issuer.publish(newer)
    at_once = await ci.exchange(ci.issuer.token(ci.world.clock(), newer))
    for _ in range(5):
        await ci.exchange(ci.issuer.token(ci.world.clock(), newer))
    asked = len(ci.issuer.asked)
    ci.world.clock.now += 60_000
    later = await ci.exchange(ci.issuer.token(ci.world.clock(), newer))
    old = await ci.exchange(ci.issuer.token(ci.world.clock()))

    assert (at_once.status_code, asked) == (400, 2)
    assert (later.status_code, old.status_code) == (200, 400)


async def test_who_is_taken_out_of_git_is_out_with_the_next_request(ci: Ci) -> None:
    token = (await ci.exchange()).json()["access_token"]
    before = (await ci.ask("/whoami", token)).status_code
    await ci.world.push("Disable", {"org/ci.yaml": account(ci.issuer.url, more="  disabled: true\n")})
    after = (await ci.ask("/whoami", token)).status_code
    again = await ci.exchange()

    assert (before, after, again.status_code) == (200, 401, 400)


async def test_a_token_that_two_accounts_trust_needs_a_name(ci: Ci) -> None:
    await ci.world.push("Two", {"org/other.yaml": account(ci.issuer.url, "other")})
    which = await ci.exchange()
    named = await ci.exchange(client_id="other")
    me = (await ci.ask("/whoami", named.json()["access_token"])).json()
    nobody = await ci.exchange(client_id="nobody")

    assert (which.status_code, me["name"], nobody.status_code) == (400, "other", 400)


async def test_a_service_opens_no_shell_whatever_its_role_says(ci: Ci) -> None:
    token = (await ci.exchange()).json()["access_token"]
    plans = (await ci.ask("/access/can?verb=policy.plan&scope=customers/acme", token)).json()
    shells = (await ci.ask("/access/can?verb=shell.open&scope=customers/acme", token)).json()

    assert (plans["allowed"], shells["allowed"]) == (True, False)


@pytest.mark.parametrize(("form", "error"), [
    ({"grant_type": "password"}, "unsupported_grant_type"), ({"subject_token": ""}, "invalid_request"),
    ({"subject_token_type": "urn:x"}, "invalid_request"), ({"requested_token_type": "urn:x"}, "invalid_request"),
])
async def test_what_is_no_exchange_gets_the_error_of_the_standard(ci: Ci, form: dict[str, str], error: str) -> None:
    token = form.get("subject_token", ci.issuer.token(ci.world.clock()))
    answer = await ci.exchange(token, **{name: form[name] for name in form if name != "subject_token"})
    twice = await ci.http.post("/token", content="grant_type=a&grant_type=b")

    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")
