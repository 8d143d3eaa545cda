"""Who asks, by address and by token: what counts as one address, and a database that takes no writes."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from starlette.requests import Request

from guru_server.identity.signing_in import address_of
from tests.server.conftest import Api


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8:0:0:aaaa::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "testclient", False),
    ],
)
def test_an_ipv6_network_is_one_address(one: str, other: str, same: bool) -> None:
    seen = [address_of(Request({"type": "http", "client": (host, 5)})) for host in (one, other)]

    assert (seen[0] == seen[1]) is same


FULL = (
    "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$;"
    " CREATE TRIGGER full_disk BEFORE UPDATE ON api_token EXECUTE FUNCTION full_disk()"
)


async def test_a_token_still_signs_in_when_the_disk_is_full(api: Api) -> None:
    stop = "PRAGMA query_only=ON" if api.db.dialect == "sqlite" else FULL
    await api.db.write(lambda connection: connection.execute(text(stop)).close())

    answer = await api.http.get("/whoami")

    assert answer.status_code == 200
