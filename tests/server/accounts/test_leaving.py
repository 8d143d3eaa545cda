"""Whoever is taken out of the repository is out at once, and signs in by nothing of theirs again."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, select

from guru_policy.access.rulebook import HeldSignIn
from guru_policy.errors import NotSignedIn
from guru_server.accounts import accounts, leaving, sessions
from guru_server.accounts.desk import Desk
from guru_server.accounts.sealing import Seal
from guru_server.accounts.sessions import SignedIn
from guru_server.accounts.tables import account, invitation
from guru_server.accounts.tokens import Minter
from guru_server.audit.tables import audit
from guru_server.leases import Lease
from guru_server.passkeys import keeping
from guru_server.passkeys.tables import passkey
from guru_server.retention import Retention
from guru_server.rights.holding import Holding
from guru_server.setting_parts import RetentionSettings
from guru_server.store.binding import whose
from tests.server.reconcile.conftest import World, named, world

__all__ = ["world"]

KEY = Ed25519PrivateKey.generate()
SEAL = Seal(KEY)
STAFF = {"org/ada.yaml": named("Person", "ada"), "org/bo.yaml": named("Person", "bo")}


def settle(connection: Connection, name: str, role: str, now: int) -> None:
    """An account with all there is: a password, a second factor, a passkey, a session and an open invitation."""
    tenant = whose(connection)
    accounts.stand_for(connection, tenant, name, now=now)
    connection.execute(account.update().where(account.c.tenant == tenant, account.c.name == name).values(
        password="a digest", totp="sealed", role=role))
    keeping.keep(connection, tenant, name, keeping.Made(name * 8, "x", "y", 0), "key", now=now)
    sessions.open_session(connection, tenant, SignedIn(name, "password", None, "k" * 43), seal=SEAL,
                          policy=HeldSignIn(), now=now)
    accounts.invite(connection, tenant, name, "", now=now, actor="test")


def kept(connection: Connection, name: str) -> tuple[int, int, int, int]:
    """How many accounts, passkeys, living sessions and open invitations there are."""
    tenant = whose(connection)
    return (
        len(connection.execute(select(account.c.name).where(account.c.tenant == tenant, account.c.name == name)).all()),
        len(connection.execute(select(passkey.c.id).where(passkey.c.tenant == tenant, passkey.c.name == name)).all()),
        len(sessions.sessions(connection, tenant, name, 0)),
        len(connection.execute(select(invitation.c.id).where(
            invitation.c.tenant == tenant, invitation.c.name == name, invitation.c.used_at.is_(None))).all()),
    )


async def told(world: World, action: str) -> list[str]:
    query = select(audit.c.object).where(audit.c.tenant == world.db.tenant, audit.c.action == action)
    return list(await world.db.read(lambda connection: connection.execute(query).scalars().all()))


async def staffed(world: World) -> Desk:
    await world.push("Staff", STAFF)
    for name, role in (("ada", ""), ("bo", "admin")):
        await world.db.write(lambda connection, name=name, role=role: settle(  # type: ignore[misc]
            connection, name, role, world.clock()))
    return Desk(world.db, world.clock, world.db.tenant, SEAL, Minter(KEY, world.db.tenant), Holding())


async def admitted(world: World, desk: Desk, name: str) -> None:
    await world.db.read(lambda connection: desk.admit(
        accounts.find(connection, world.db.tenant, name), desk.holding.book(connection, world.db.tenant), name))


async def test_a_person_taken_out_is_out_with_the_sync_and_without_credentials_a_day_later(world: World) -> None:
    desk = await staffed(world)
    done = await world.push("Ada and Bo leave\n\nGuru-Allow-Delete: 2", {"org/ada.yaml": None, "org/bo.yaml": None})
    assert done.outcome == "published", done
    at_once = await world.db.read(lambda connection: kept(connection, "ada"))
    with pytest.raises(NotSignedIn, match="does not name you any more"):
        await admitted(world, desk, "ada")
    fence = await Lease(world.db, "retention", "me").acquire()
    assert fence is not None
    work = Retention(world.db, world.bus, world.clock, RetentionSettings())
    await work.round(fence)
    waits = await world.db.read(lambda connection: kept(connection, "ada"))
    world.clock.forward(leaving.GRACE)
    fence = await Lease(world.db, "retention", "me").acquire()
    assert fence is not None
    await work.round(fence)

    assert (at_once, waits) == ((1, 1, 0, 0), (1, 1, 0, 0))
    assert await world.db.read(lambda connection: kept(connection, "ada")) == (0, 0, 0, 0)
    assert await world.db.read(lambda connection: kept(connection, "bo")) == (1, 1, 1, 1)      # a fixed role
    assert await told(world, "UserLeft") == await told(world, "CredentialsDeleted") == ["person:ada"]


async def test_a_person_who_comes_back_within_the_day_has_lost_sessions_and_nothing_else(world: World) -> None:
    desk = await staffed(world)
    await world.push("A mistake\n\nGuru-Allow-Delete: 1", {"org/ada.yaml": None})
    await world.push("Mended", {"org/ada.yaml": STAFF["org/ada.yaml"]})
    await admitted(world, desk, "ada")
    gone = await world.db.write(lambda connection: leaving.forget(
        connection, world.db.tenant, world.clock() + 2 * leaving.GRACE))

    assert gone == 0
    assert await world.db.read(lambda connection: kept(connection, "ada")) == (1, 1, 0, 0)


async def test_an_account_that_the_repository_never_named_stays(world: World) -> None:
    await staffed(world)
    await world.db.write(lambda connection: settle(connection, "eve", "", world.clock()))
    await world.push("Ada leaves\n\nGuru-Allow-Delete: 1", {"org/ada.yaml": None})

    assert await world.db.read(lambda connection: kept(connection, "eve")) == (1, 1, 1, 1)
