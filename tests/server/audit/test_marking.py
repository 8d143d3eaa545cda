"""Checkpoints: when they are signed, what is never signed, and how they get to a file and to a branch."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_policy.errors import Conflict, Refused
from guru_server.anchors.branch import BranchAnchor
from guru_server.anchors.file import FileAnchor
from guru_server.audit import checkpoints
from guru_server.audit.marking import Anchor, Marker, Rhythm
from guru_server.clock import SetClock
from guru_server.gitops.source import Source
from guru_server.leases import Fence, Lease
from guru_server.signer.near import near
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from guru_wire.audit_chain import Checkpoint, genuine, line_of, read_line, signed
from tests.server.audit.conftest import T, mark, write

BreakIn = Callable[..., Awaitable[None]]
OFTEN = Rhythm(every=60, rows=10)


def marker(db: Database, key: Ed25519PrivateKey, *anchors: Anchor, now: int = T, **more: object) -> Marker:
    return Marker(db, SetClock(now), near(audit=key), rhythm=OFTEN, anchors=anchors, **more)  # type: ignore[arg-type]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    path = tmp_path / "anchor.git"
    subprocess.run(["git", "init", "--quiet", "--bare", path], check=True)
    return path


def said(bare: Path, *command: str) -> str:
    return subprocess.run(["git", "-C", bare, *command], check=True, capture_output=True, text=True).stdout


def lines(text: str) -> list[Checkpoint]:
    return [read_line(line) for line in text.splitlines() if line.startswith("{")]


async def test_a_checkpoint_is_due_after_a_time_or_a_number_of_rows(db: Database, key: Ed25519PrivateKey) -> None:
    assert await marker(db, key).mark(None) is None
    await db.write(lambda connection: write(connection, 2))
    assert await marker(db, key, now=T + 30_000).mark(None) is None
    made = await marker(db, key, now=T + 70_000).mark(None)
    assert made is not None
    assert (made.seq, genuine(made, marker(db, key).keys)) == (2, True)
    assert await marker(db, key, now=T + 900_000).mark(None) is None
    await db.write(lambda connection: write(connection, 10, start=100))

    assert (await marker(db, key, now=T + 111_000).mark(None) or made).seq == 12


async def test_rows_that_were_altered_since_the_last_checkpoint_are_not_signed(
    db: Database, key: Ed25519PrivateKey, break_in: BreakIn
) -> None:
    await db.write(lambda connection: write(connection, 4))
    await db.write(lambda connection: mark(connection, key))
    await db.write(lambda connection: write(connection, 4, start=5))
    await break_in("UPDATE audit SET actor = 'person:nobody' WHERE seq = 6")

    with pytest.raises(Refused, match="row 6 is not as it was written"):
        await marker(db, key, now=T + 10**6).mark(None)
    assert (await db.read(lambda c: checkpoints.newest(c, TENANT)) or mark).seq == 4  # type: ignore[union-attr]


async def test_a_server_with_another_key_signs_nothing_unless_the_old_one_is_named(
    db: Database, key: Ed25519PrivateKey
) -> None:
    await db.write(lambda connection: write(connection, 4))
    await db.write(lambda connection: mark(connection, key))
    await db.write(lambda connection: write(connection, 4, start=5))
    other = Ed25519PrivateKey.generate()

    with pytest.raises(Refused, match=r"another audit\.key"):
        await marker(db, other, now=T + 10**6).mark(None)
    made = await marker(db, other, now=T + 10**6, before=marker(db, key).keys).mark(None)
    assert made is not None
    assert made.seq == 8


async def test_who_lost_the_lease_signs_nothing(db: Database, key: Ed25519PrivateKey) -> None:
    await db.write(lambda connection: write(connection, 4))

    with pytest.raises(Conflict):
        await marker(db, key, now=T + 10**6).mark(Fence("audit", 7))
    assert await db.read(lambda connection: checkpoints.newest(connection, TENANT)) is None


async def test_a_file_grows_by_what_it_lacks_and_ends_a_line_that_was_cut_off(
    db: Database, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    anchor = FileAnchor(tmp_path / "anchor")
    mine = marker(db, key, anchor)
    for start in (1, 11, 21):
        await db.write(lambda connection, start=start: write(connection, 10, start=start))
        await db.write(lambda connection: mark(connection, key))
        if start == 1:
            assert await mine.carry(anchor, None)
            with (tmp_path / "anchor").open("a") as file:
                file.write('{"at":17000')
    assert await mine.carry(anchor, None) == 2
    found = (tmp_path / "anchor").read_text().splitlines()

    assert [json.loads(line)["seq"] for line in (found[0], *found[2:])] == [10, 20, 30]
    assert await mine.carry(anchor, None) == 0
    assert len((tmp_path / "anchor").read_text().splitlines()) == 4


async def test_a_file_that_cannot_be_written_is_told_and_made_up_for(
    db: Database, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    anchor = FileAnchor(tmp_path / "medium" / "anchor")
    mine = marker(db, key, anchor)
    await db.write(lambda connection: write(connection, 10))
    await db.write(lambda connection: mark(connection, key))
    assert await mine.carry(anchor, None) is None
    error = (await db.read(lambda connection: checkpoints.anchors(connection, TENANT)))["file"].error
    (tmp_path / "medium").mkdir()

    assert "No such file" in error
    assert await mine.carry(anchor, None)
    state = (await db.read(lambda connection: checkpoints.anchors(connection, TENANT)))["file"]
    assert (state.seq, state.error, state.anchored_at) == (10, "", T)


@pytest.mark.parametrize("seq", [10, 11])
async def test_an_anchor_that_knows_another_log_is_left_alone_and_told(
    seq: int, db: Database, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    await db.write(lambda connection: write(connection, 10))
    await db.write(lambda connection: mark(connection, key))
    head = (await db.read(lambda connection: checkpoints.head(connection, TENANT))).at
    before = line_of(signed(key, TENANT, head._replace(seq=seq, hash="f" * 64), T)) + "\n"
    (tmp_path / "anchor").write_text(before)
    anchor = FileAnchor(tmp_path / "anchor")

    assert await marker(db, key, anchor).carry(anchor, None) is None
    state = (await db.read(lambda connection: checkpoints.anchors(connection, TENANT)))["file"]
    assert f"holds row {seq} of the audit log" in state.error
    assert (tmp_path / "anchor").read_text() == before


async def test_a_branch_gets_a_commit_with_what_it_lacks_upon_what_was_there(
    db: Database, key: Ed25519PrivateKey, bare: Path, tmp_path: Path
) -> None:
    anchor = BranchAnchor(tmp_path / "data", Source(f"file://{bare}", "guru-audit"))
    for start in (1, 11):
        await db.write(lambda connection, start=start: write(connection, 10, start=start))
        await db.write(lambda connection: mark(connection, key))
        assert await marker(db, key, anchor).carry(anchor, None)
    found = lines(said(bare, "log", "--reverse", "--format=%B", "guru-audit"))

    assert [one.seq for one in found] == [10, 20]
    assert all(genuine(one, marker(db, key).keys) for one in found)
    assert said(bare, "log", "-1", "--format=%an %at", "guru-audit") == f"GuruRMM audit log {T // 1000}\n"


async def test_a_branch_that_was_rewritten_is_told_and_left_alone(
    db: Database, key: Ed25519PrivateKey, bare: Path, tmp_path: Path
) -> None:
    anchor = BranchAnchor(tmp_path / "data", Source(f"file://{bare}", "guru-audit"))
    for start in (1, 11):
        await db.write(lambda connection, start=start: write(connection, 10, start=start))
        await db.write(lambda connection: mark(connection, key))
        assert await marker(db, key, anchor).carry(anchor, None)
    said(bare, "update-ref", "refs/heads/guru-audit", "refs/heads/guru-audit~1")
    await db.write(lambda connection: write(connection, 10, start=21))
    await db.write(lambda connection: mark(connection, key))

    assert await marker(db, key, anchor).carry(anchor, None) is None
    state = (await db.read(lambda connection: checkpoints.anchors(connection, TENANT)))["git"]
    assert "was rewritten" in state.error
    assert len(lines(said(bare, "log", "--format=%B", "guru-audit"))) == 1


async def test_a_remote_that_is_gone_holds_up_neither_checkpoints_nor_the_file(
    db: Database, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    gone = BranchAnchor(tmp_path / "data", Source(f"file://{tmp_path}/none.git", "guru-audit"))
    file = FileAnchor(tmp_path / "anchor")
    await db.write(lambda connection: write(connection, 10))
    mine = marker(db, key, gone, file, now=T + 10**6)
    work = asyncio.ensure_future(Lease(db, "audit", "me").keep(mine.run))
    async with asyncio.timeout(30):
        while True:
            states = await db.read(lambda connection: checkpoints.anchors(connection, TENANT))
            if len(states) == 2:
                break
            await asyncio.sleep(0.02)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)

    assert (states["file"].seq, states["file"].error, states["git"].seq) == (10, "", 0)
    assert "does not answer" in states["git"].error


async def test_at_the_stop_the_rest_is_signed_and_anchored_in_the_file(
    db: Database, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    file = FileAnchor(tmp_path / "anchor")
    await db.write(lambda connection: write(connection, 3))
    work = asyncio.ensure_future(Lease(db, "audit", "me").keep(marker(db, key, file, now=T + 10**6).run))
    async with asyncio.timeout(30):
        while not (tmp_path / "anchor").exists():
            await asyncio.sleep(0.02)
    await db.write(lambda connection: write(connection, 2, start=4))
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)

    assert [one.seq for one in lines((tmp_path / "anchor").read_text())] == [3, 5]
