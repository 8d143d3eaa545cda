"""What an issuer publishes is bounded, and is its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from guru_policy.errors import NotSignedIn, Unreachable
from guru_server.clock import SetClock
from guru_server.federation.issuers import KNOWN, MOST, Issuers
from tests.server.federation.conftest import Issuer


@pytest.mark.parametrize(("path", "said"), [
    (KNOWN, None), (KNOWN, {"issuer": "https://other.example", "jwks_uri": "https://other.example/jwks"}),
    (KNOWN, b"no json"), (KNOWN, [1]), (KNOWN, b" " * (MOST + 1)), ("/jwks", {"keys": "none"}), ("/jwks", None),
])
async def test_documents_that_are_not_what_they_should_be_are_not_believed(
    issuer: Issuer, ca_file: Path, clock: SetClock, path: str, said: object
) -> None:
    issuer.said[path] = said

    with pytest.raises(Unreachable):
        await Issuers(clock, ca_file=ca_file).key(issuer.url, "one")


async def test_keys_are_looked_for_over_https_only(issuer: Issuer, ca_file: Path, clock: SetClock) -> None:
    issuer.said[KNOWN] = {"issuer": issuer.url, "jwks_uri": issuer.url.replace("https", "http") + "/jwks"}

    with pytest.raises(Unreachable, match="https"):
        await Issuers(clock, ca_file=ca_file).key(issuer.url, "one")


async def test_shared_secrets_and_names_that_stand_twice_are_no_keys(
    issuer: Issuer, ca_file: Path, clock: SetClock
) -> None:
    key = issuer.key.as_dict(private=False)
    issuer.said["/jwks"] = {"keys": [
        {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}, {**key, "kid": "twice"}, {**key, "kid": "twice"},
        {**key, "kid": "enc", "use": "enc"}, "x", {"kty": "RSA"}, {**key, "kid": "good"},
    ]}
    issuers = Issuers(clock, ca_file=ca_file)
    for name in ("shared", "twice", "enc"):
        with pytest.raises(NotSignedIn):
            await issuers.key(issuer.url, name)

    assert (await issuers.key(issuer.url, "good"))["kid"] == "good"


async def test_an_issuer_with_a_certificate_of_nobody_or_at_a_closed_address_is_not_asked(
    issuer: Issuer, ca_file: Path, clock: SetClock
) -> None:
    for issuers in (Issuers(clock), Issuers(clock, private=False, ca_file=ca_file)):
        with pytest.raises(Unreachable):
            await issuers.key(issuer.url, "one")

    assert issuer.asked == []
