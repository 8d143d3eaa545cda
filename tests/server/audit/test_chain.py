"""The chain in the database: no gap, no fork, no change; and the exact place of what was tampered with."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, text

from guru_policy.errors import Conflict, Refused
from guru_server.audit import checkpoints
from guru_server.audit.log import Deed, append, record
from guru_server.audit.verifying import Step, entries, step
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from guru_wire.audit_chain import Position, linked, signed
from guru_wire.signing import public_bytes
from tests.server.audit.conftest import T, mark, write

BreakIn = Callable[..., Awaitable[None]]


def keys_of(key: Ed25519PrivateKey) -> set[str]:
    return {base64.b64encode(public_bytes(key)).decode()}


async def verified(db: Database, key: Ed25519PrivateKey, most: int = 10_000, outside: object = None) -> Step:
    at = None
    while True:
        done = await db.read(lambda c, at=at: step(c, TENANT, at, keys_of(key), outside or {}, most))  # type: ignore[misc]
        if not done.more:
            return done
        at = done.at


async def test_rows_are_numbered_without_gaps_and_each_hash_covers_the_one_before(db: Database) -> None:
    await db.write(lambda connection: write(connection, 5))
    rows = await db.read(lambda connection: entries(connection, TENANT, 0, 100))

    assert [row.seq for row in rows] == [1, 2, 3, 4, 5]
    assert [linked(before, row) for before, row in zip(["0" * 64, *(r.hash for r in rows)], rows, strict=False)] == [
        row.hash for row in rows]


async def test_a_row_of_a_transaction_that_failed_leaves_no_gap(db: Database, key: Ed25519PrivateKey) -> None:
    def failing(connection: Connection) -> None:
        write(connection, 3)
        raise Refused("no")

    await db.write(lambda connection: write(connection, 2))
    with pytest.raises(Refused):
        await db.write(failing)
    await db.write(lambda connection: write(connection, 2, start=3))

    assert (await verified(db, key)).at.seq == 4


async def test_many_writers_at_once_make_one_chain(db: Database, key: Ed25519PrivateKey) -> None:
    await asyncio.gather(*(db.write(lambda c, at=at: write(c, 3, start=at)) for at in range(40)))
    done = await verified(db, key, most=17)

    assert (done.at.seq, done.broken) == (120, None)


async def test_each_tenant_has_a_chain_of_its_own(db: Database, key: Ed25519PrivateKey) -> None:
    await db.write(lambda connection: write(connection, 2))
    await db.of("other").write(lambda connection: append(connection, T, [Deed("server", "A", "b")] * 3))
    heads = [
        await db.of(name).read(lambda c, name=name: checkpoints.head(c, name).at.seq)  # type: ignore[misc]
        for name in (TENANT, "other")
    ]

    assert heads == [2, 3]
    assert (await verified(db, key)).broken is None


async def test_text_from_anybody_is_cut_and_made_safe_before_it_is_hashed(db: Database, key: Ed25519PrivateKey) -> None:
    nasty = "\x1b[31m\0\u202e\ud800x" * 300
    await db.write(lambda c: record(c, T, nasty, nasty, nasty, nasty, device=nasty, request=nasty))
    row = (await db.read(lambda connection: entries(connection, TENANT, 0, 1)))[0]

    assert not any(ord(char) < 32 for field in row[3:13] for char in str(field))
    assert (len(row.actor), len(row.result)) == (128, 512)
    assert (await verified(db, key)).broken is None


@pytest.mark.parametrize("statement", [
    "UPDATE audit SET result = 'nothing' WHERE seq = 2",
    "DELETE FROM audit WHERE seq = 2",
    "DELETE FROM audit",
    "UPDATE audit_checkpoint SET hash = 'x'",
    "DELETE FROM audit_checkpoint",
    "DELETE FROM audit_head",
    "UPDATE audit_head SET seq = 1",
    "UPDATE audit_head SET root = 2",
])
async def test_the_database_refuses_to_change_the_log(statement: str, db: Database, key: Ed25519PrivateKey) -> None:
    await db.write(lambda connection: write(connection, 3))
    await db.write(lambda connection: mark(connection, key))

    with pytest.raises(Conflict, match="audit log"):
        await db.write(lambda connection: connection.execute(text(statement)).close())
    assert (await verified(db, key)).at.seq == 3


async def test_neither_truncating_nor_replacing_gets_around_the_guards(db: Database, key: Ed25519PrivateKey) -> None:
    replace = ("INSERT OR REPLACE INTO audit (tenant, seq, at, actor, action, object, result, hash)"
               " VALUES ('main', 2, 1, 'a', 'b', 'c', 'd', 'e')")
    statement = "TRUNCATE audit" if db.dialect == "postgresql" else replace
    await db.write(lambda connection: write(connection, 3))

    with pytest.raises(Conflict, match="audit log"):
        await db.write(lambda connection: connection.execute(text(statement)).close())
    assert (await verified(db, key)).broken is None


@pytest.mark.parametrize(("tampering", "seq", "why"), [
    (["UPDATE audit SET result = 'role=other' WHERE seq = 4"], 4, "not as it was written"),
    (["UPDATE audit SET at = at + 1 WHERE seq = 1"], 1, "not as it was written"),
    (["UPDATE audit SET device = '' WHERE seq = 9"], 9, "not as it was written"),
    (["DELETE FROM audit WHERE seq = 5"], 5, "row 5 is missing"),
    (["DELETE FROM audit WHERE seq = 1"], 1, "row 1 is missing"),
    (["UPDATE audit SET seq = 99 WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = 6",
      "UPDATE audit SET seq = 6 WHERE seq = 99"], 3, "not as it was written"),
    (["DELETE FROM audit WHERE seq > 7"], 8, "rows 8 to 9 are missing at the end"),
    (["DELETE FROM audit"], 1, "rows 1 to 9 are missing at the end"),
    (["DELETE FROM audit WHERE seq > 7", "UPDATE audit_head SET seq = 7, hash ="
      " (SELECT hash FROM audit WHERE seq = 7)"], 8, "a checkpoint was signed over them"),
    (["UPDATE audit_checkpoint SET at = at + 1"], 9, "not signed by a key that may"),
    (["UPDATE audit_head SET root = 9", "DELETE FROM audit_checkpoint"], 9, "no genuine checkpoint"),
])
async def test_tampering_without_the_guards_is_found_at_its_exact_place(
    tampering: list[str], seq: int, why: str, db: Database, key: Ed25519PrivateKey, break_in: BreakIn
) -> None:
    await db.write(lambda connection: write(connection, 9))
    await db.write(lambda connection: mark(connection, key))
    await break_in(*tampering)
    done = await verified(db, key, most=4)

    assert done.broken is not None
    assert done.broken.seq == seq
    assert why in done.broken.why


async def test_a_chain_that_was_written_anew_is_found_by_its_checkpoint(
    db: Database, key: Ed25519PrivateKey, break_in: BreakIn
) -> None:
    def rewrite(connection: Connection) -> None:
        """What somebody does who knows the scheme and owns the tables, but not the audit key."""
        rows, at = entries(connection, TENANT, 0, 100), Position()
        for row in rows:
            told = row._replace(result="nothing") if row.seq == 5 else row
            at = Position(row.seq, linked(at.hash, told))
            connection.execute(text("UPDATE audit SET result = :result, hash = :hash WHERE seq = :seq"),
                               {"result": told.result, "hash": at.hash, "seq": at.seq})
        connection.execute(text("UPDATE audit_head SET hash = :hash"), {"hash": at.hash})

    for start in (1, 4, 7):
        await db.write(lambda connection, start=start: write(connection, 3, start=start))
        await db.write(lambda connection: mark(connection, key))
    await break_in()
    await db.write(rewrite)
    done = await verified(db, key)

    assert done.broken is not None
    assert "rows 4 to 6 were written anew" in done.broken.why


async def test_who_also_removes_checkpoints_is_found_by_the_anchor(
    db: Database, key: Ed25519PrivateKey, break_in: BreakIn
) -> None:
    await db.write(lambda connection: write(connection, 6))
    at = (await db.read(lambda connection: checkpoints.head(connection, TENANT))).at
    outside = {6: [signed(key, TENANT, at, T)]}
    await break_in("DELETE FROM audit WHERE seq > 4",
                   "UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)")

    assert (await verified(db, key)).broken is None
    found = (await verified(db, key, outside=outside)).broken
    assert found is not None
    assert (found.seq, "rows 5 to 6 are missing" in found.why) == (5, True)


async def test_a_checkpoint_of_another_key_is_no_checkpoint(db: Database, key: Ed25519PrivateKey) -> None:
    await db.write(lambda connection: write(connection, 2))
    await db.write(lambda connection: mark(connection, Ed25519PrivateKey.generate()))
    done = await verified(db, key)

    assert done.broken is not None
    assert "not signed by a key that may" in done.broken.why


async def test_what_is_let_go_ends_at_a_checkpoint_and_the_rest_still_holds(
    db: Database, key: Ed25519PrivateKey
) -> None:
    await db.write(lambda connection: write(connection, 4))
    await db.write(lambda connection: mark(connection, key, T))
    await db.write(lambda connection: write(connection, 4, start=5))
    await db.write(lambda connection: mark(connection, key, T + 10_000))
    root = await db.write(lambda connection: checkpoints.set_root(connection, TENANT, T + 5_000, T + 20_000))
    gone = [await db.write(lambda connection: checkpoints.let_go(connection, TENANT, 3)) for _ in range(3)]
    left = await db.read(lambda connection: entries(connection, TENANT, 0, 100))

    assert (root, gone) == (4, [3, 1, 0])
    assert [row.seq for row in left] == [5, 6, 7, 8, 9]
    assert left[-1].action == "AuditLetGo"
    assert (await verified(db, key)).broken is None
    assert await db.write(lambda connection: checkpoints.set_root(connection, TENANT, T + 5_000, T)) == 0


async def test_without_a_checkpoint_nothing_is_let_go(db: Database, key: Ed25519PrivateKey) -> None:
    await db.write(lambda connection: write(connection, 4))
    assert await db.write(lambda connection: checkpoints.set_root(connection, TENANT, T + 10**9, T)) == 0
    assert await db.write(lambda connection: checkpoints.let_go(connection, TENANT, 10)) == 0
    with pytest.raises(Conflict, match="audit log"):
        await db.write(lambda c: c.execute(text("DELETE FROM audit WHERE seq = 1")).close())
