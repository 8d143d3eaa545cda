"""Registering a passkey and signing in by it, against a real database and a software authenticator."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select

from guru_policy.errors import InputInvalid, NotFound, NotSignedIn
from guru_server.audit.tables import audit
from guru_server.identity.rates import TooMany
from guru_server.passkeys import ceremonies, challenges, keeping
from guru_server.passkeys.ceremonies import site_of
from guru_server.passkeys.keeping import Passkey
from guru_server.store.database import Database
from tests.server.passkeys.authenticator import Authenticator

SITE = site_of("https://rmm.example.test:8443")
T, NOW = "main", 1_000_000


async def added(db: Database, who: Authenticator, name: str = "ada", now: int = NOW) -> Passkey | InputInvalid:
    begun = await db.write(lambda c: ceremonies.begin_registration(c, T, SITE, name, now=now))
    answer = who.make(begun.options)
    made = await db.write(lambda c: ceremonies.register(c, T, SITE, name, begun.id, answer, now=now))
    if isinstance(made, InputInvalid):
        return made
    return await db.write(lambda c: keeping.keep(c, T, name, made, "blue\x1b key", now=now))


async def shown(db: Database, who: Authenticator, wait: int = 0) -> Passkey | NotSignedIn:
    begun = await db.write(lambda c: ceremonies.begin_sign_in(c, T, SITE, now=NOW))
    answer = who.sign(begun.options)
    return await db.write(lambda c: ceremonies.sign_in(c, T, SITE, begun.id, answer, now=NOW + wait))


async def deeds(db: Database) -> list[str]:
    return list(await db.read(lambda c: c.execute(select(audit.c.action)).scalars().all()))


async def test_a_registered_passkey_signs_its_owner_in(db: Database) -> None:
    key = Authenticator(SITE.origin)
    made = await added(db, key)
    seen = await shown(db, key)

    assert isinstance(made, Passkey)
    assert made.label == "blue key"
    assert isinstance(seen, Passkey)
    assert (seen.name, seen.used_at) == ("ada", NOW)


@pytest.mark.parametrize(("origin", "verifies"), [("https://evil.example.test", True), (SITE.origin, False)])
async def test_another_origin_or_an_unverified_user_registers_nothing(
    db: Database, origin: str, verifies: bool
) -> None:
    assert isinstance(await added(db, Authenticator(origin, verifies=verifies)), InputInvalid)
    assert await db.read(lambda c: keeping.passkeys(c, T, "ada")) == []


@pytest.mark.parametrize("change", [{"origin": "https://evil.example.test"}, {"verifies": False}, {"handle": "AAAA"}])
async def test_a_signature_for_something_else_signs_nobody_in(db: Database, change: dict[str, object]) -> None:
    key = Authenticator(SITE.origin)
    await added(db, key)
    for name, value in change.items():
        setattr(key, name, value)

    assert isinstance(await shown(db, key), NotSignedIn)


async def test_a_count_that_goes_back_is_refused_and_told_as_a_clone(db: Database) -> None:
    key = Authenticator(SITE.origin)
    await added(db, key)
    await shown(db, key)
    key.count = 1

    assert isinstance(await shown(db, key), NotSignedIn)
    assert "PasskeyCloned" in await deeds(db)


async def test_an_authenticator_that_does_not_count_signs_in_again_and_again(db: Database) -> None:
    key = Authenticator(SITE.origin)
    key.count = 0
    await added(db, key)

    assert isinstance(await shown(db, key), Passkey)
    assert isinstance(await shown(db, key), Passkey)


async def test_a_challenge_is_good_once_and_not_for_long(db: Database) -> None:
    key = Authenticator(SITE.origin)
    await added(db, key)
    begun = await db.write(lambda c: ceremonies.begin_sign_in(c, T, SITE, now=NOW))
    answer = key.sign(begun.options)
    first = await db.write(lambda c: ceremonies.sign_in(c, T, SITE, begun.id, answer, now=NOW))
    again = await db.write(lambda c: ceremonies.sign_in(c, T, SITE, begun.id, answer, now=NOW))

    assert isinstance(first, Passkey)
    assert isinstance(again, NotSignedIn)
    assert isinstance(await shown(db, key, wait=challenges.LIFE), NotSignedIn)


async def test_nobody_finishes_the_registration_of_somebody_else(db: Database) -> None:
    key = Authenticator(SITE.origin)
    begun = await db.write(lambda c: ceremonies.begin_registration(c, T, SITE, "ada", now=NOW))
    answer = key.make(begun.options)
    done = await db.write(lambda c: ceremonies.register(c, T, SITE, "eve", begun.id, answer, now=NOW))

    assert isinstance(done, InputInvalid)


async def test_a_removed_passkey_signs_nobody_in(db: Database) -> None:
    key = Authenticator(SITE.origin)
    made = await added(db, key)
    assert isinstance(made, Passkey)
    with pytest.raises(NotFound):
        await db.write(lambda c: keeping.forget(c, T, "eve", made.id, now=NOW, actor="person:eve"))
    await db.write(lambda c: keeping.forget(c, T, "ada", made.id, now=NOW, actor="person:ada"))

    assert isinstance(await shown(db, key), NotSignedIn)


async def test_open_ceremonies_are_bounded_and_expire(db: Database) -> None:
    for _ in range(challenges.MOST_OF_ONE):
        await db.write(lambda c: ceremonies.begin_registration(c, T, SITE, "ada", now=NOW))
    with pytest.raises(TooMany):
        await db.write(lambda c: ceremonies.begin_registration(c, T, SITE, "ada", now=NOW))

    assert await db.write(
        lambda c: ceremonies.begin_registration(c, T, SITE, "ada", now=NOW + challenges.LIFE))


@pytest.mark.parametrize("url", ["http://rmm.example.test", "https://127.0.0.1:8443", "https://[::1]"])
def test_a_server_without_https_or_a_name_has_no_passkeys(url: str) -> None:
    with pytest.raises(InputInvalid, match="https"):
        site_of(url)


async def test_all_of_a_tenants_ceremonies_are_bounded(db: Database) -> None:
    def fill(connection: Connection) -> None:
        for _ in range(challenges.MOST):
            challenges.begin(connection, T, "sign-in", "", now=NOW)

    await db.write(fill)

    with pytest.raises(TooMany):
        await db.write(lambda c: ceremonies.begin_sign_in(c, T, SITE, now=NOW))
    assert await db.of("other").write(lambda c: ceremonies.begin_sign_in(c, "other", SITE, now=NOW))
