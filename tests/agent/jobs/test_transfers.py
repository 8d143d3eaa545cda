"""Files of any size, put and sent in chunks: whole or not at all, gone on with, and judged at every step."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from guru_agent.jobs.file_puts import drop, put
from guru_agent.jobs.file_sends import send
from guru_agent.jobs.files import Grounds
from guru_agent.link.courier import Courier
from guru_policy.errors import CannotLook, Conflict, InputInvalid, NotFound, Refused, StepFailed
from guru_wire.chunks import CHUNK, ChunkEnd, ChunkGet, ChunkGot, ChunkHere, ChunkPut, Question, Reply, Sent
from guru_wire.files import FileChange, FileLook
from guru_wire.link import Welcome
from guru_wire.orders import Command
from tests.agent.conftest import Parts, enrolled
from tests.agent.jobs.test_runner import end, ended, parts, printed, run, server, states
from tests.agent.link_server import Fleet, LinkServer, until

__all__ = ["parts", "server"]

NAME, RUN = "a" * 32, "1" * 32
CONTENT = b"".join(bytes([65 + number]) * CHUNK for number in range(4)) + b"the rest"
BESIDE = f".guru-put-{NAME}"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Server:
    """Answers questions; `before` is called with each."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content, self.asked, self.got = content, list[int](), list[bytes]()
        self.before: Callable[[Question], None] = lambda _: None

    async def ask(self, question: Question) -> Reply:
        self.before(question)
        if isinstance(question, ChunkEnd):
            return ChunkGot(transfer=question.transfer, chunks=len(self.got), whole=True)
        self.asked.append(question.number)
        if isinstance(question, ChunkPut):
            if question.number == len(self.got):
                self.got.append(base64.b64decode(question.data))
            return ChunkGot(transfer=question.transfer, chunks=len(self.got))
        at = question.number * CHUNK
        data = base64.b64encode(self.content[at : at + CHUNK]).decode()
        return ChunkHere(transfer=question.transfer, number=question.number, data=data)


class Place:
    """A sandbox with an old file and one outside of it."""

    def __init__(self, folder: Path) -> None:
        self.root, self.outside = folder / "root", folder / "outside"
        self.etc, self.old = self.root / "etc", self.root / "etc/old"
        self.etc.mkdir(parents=True)
        self.old.write_text("old")
        self.old.chmod(0o640)
        self.outside.write_text("outside")
        self.outside.chmod(0o600)
        self.partial = self.etc / BESIDE
        self.grounds = Grounds(self.root, self.root / "agent")
        self.server = Server()

    def order(self, path: str = "/etc/old", **more: object) -> FileChange:
        return FileChange.model_validate({
            "op": "put", "path": path, "sha256": digest(CONTENT), "size": len(CONTENT), "transfer": NAME,
            "replace": True, "allow": ("/**",), **more})

    async def put(self, path: str = "/etc/old", **more: object) -> str:
        return await put(self.order(path, **more), RUN, self.grounds, self.server.ask)

    def names(self) -> list[str]:
        return sorted(one.name for one in self.etc.iterdir())

    async def interrupted(self, number: int) -> None:
        """A put whose agent ends when it asks for this chunk."""
        def cut(question: Question) -> None:
            if isinstance(question, ChunkGet) and question.number == number:
                raise asyncio.CancelledError

        self.server.before = cut
        with pytest.raises(asyncio.CancelledError):
            await self.put()
        self.server.before = lambda _: None


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def test_a_file_of_many_chunks_takes_the_place_owner_and_mode_of_the_old_one(place: Place) -> None:
    told = [await place.put(), await place.put("/etc/new", replace=False), await place.put("/etc/open", mode="644")]

    assert told == [f"{len(CONTENT)} bytes, sha256 {digest(CONTENT)}"] * 3
    assert [(place.etc / name).read_bytes() == CONTENT for name in ("old", "new", "open")] == [True] * 3
    assert [(place.etc / name).stat().st_mode & 0o7777 for name in ("old", "new", "open")] == [0o640, 0o600, 0o644]
    assert place.names() == ["new", "old", "open"]
    assert place.server.asked == [0, 1, 2, 3, 4] * 3


async def test_an_empty_file_is_put_too(place: Place) -> None:
    await place.put(size=0, sha256=digest(b""))

    assert (place.old.read_bytes(), place.server.asked) == (b"", [])


async def test_a_put_that_was_interrupted_goes_on_after_what_is_there(place: Place) -> None:
    await place.interrupted(3)
    kept, old, mode = place.partial.stat().st_size, place.old.read_text(), place.partial.stat().st_mode & 0o777
    with place.partial.open("ab") as half:
        half.write(b"half a chunk")
    await place.put()

    assert (kept, old, mode) == (3 * CHUNK, "old", 0o600)
    assert place.server.asked == [0, 1, 2, 3, 4]
    assert (place.old.read_bytes() == CONTENT, place.names()) == (True, ["old"])


async def test_what_was_kept_and_is_no_beginning_of_the_file_is_fetched_anew(place: Place) -> None:
    await place.interrupted(3)
    place.partial.write_bytes(b"x" * 2 * CHUNK)
    await place.put()

    assert place.server.asked == [0, 1, 2, 2, 3, 4, 0, 1, 2, 3, 4]
    assert place.old.read_bytes() == CONTENT


async def test_an_altered_chunk_changes_nothing(place: Place) -> None:
    place.server.content = CONTENT[:-1] + b"X"
    with pytest.raises(InputInvalid, match="not what was sent"):
        await place.put()
    drop(place.order(), place.grounds)
    place.server.content = CONTENT[:-1]
    with pytest.raises(InputInvalid, match="not what was sent"):
        await place.put()
    drop(place.order(), place.grounds)

    assert (place.old.read_text(), place.names()) == ("old", ["old"])


@pytest.mark.parametrize("plant", ["link", "hardlink", "folder", "open"])
async def test_what_is_planted_where_the_beginning_is_kept_is_not_written_to(place: Place, plant: str) -> None:
    await place.interrupted(2)
    place.partial.unlink()
    if plant == "link":
        place.partial.symlink_to(place.outside)
    elif plant == "hardlink":
        place.partial.hardlink_to(place.outside)
    elif plant == "folder":
        place.partial.mkdir()
    else:
        place.partial.write_bytes(b"x" * CHUNK)
        place.partial.chmod(0o666)
    if plant == "folder":
        with pytest.raises(StepFailed):
            await place.put()
    else:
        await place.put()
        assert place.server.asked == [0, 1, 0, 1, 2, 3, 4]

    assert place.outside.read_text() == "outside"
    assert (place.old.read_bytes() == CONTENT) == (plant != "folder")


async def test_a_folder_that_leads_elsewhere_meanwhile_ends_it(place: Place) -> None:
    elsewhere = place.root / "elsewhere"

    def swap(question: Question) -> None:
        if isinstance(question, ChunkGet) and question.number == 2:
            place.etc.rename(elsewhere)
            place.etc.symlink_to(elsewhere)

    place.server.before = swap
    with pytest.raises(Refused, match="over a link"):
        await place.put()

    assert (elsewhere / "old").read_text() == "old"


async def test_what_somebody_else_writes_to_meanwhile_ends_it(place: Place) -> None:
    def meddle(question: Question) -> None:
        with place.partial.open("ab") as file:
            file.write(b"x")

    place.server.before = meddle
    with pytest.raises(StepFailed, match="changed by somebody else"):
        await place.put()


async def test_without_room_or_right_nothing_is_asked_for(place: Place) -> None:
    free = shutil.disk_usage(place.root).free
    with pytest.raises(CannotLook, match="no room"):
        await place.put(size=free + (64 << 20))
    with pytest.raises(Conflict):
        await place.put(replace=False)
    with pytest.raises(Refused):
        await place.put(allow=("/srv/**",))
    with pytest.raises(Refused, match="own folder"):
        await place.put("/agent")
    with pytest.raises(NotFound):
        await place.put("/none/x")

    assert (place.server.asked, place.names()) == ([], ["old"])


async def test_a_file_that_was_made_meanwhile_stays_without_replace(place: Place) -> None:
    def make(question: Question) -> None:
        if isinstance(question, ChunkGet) and question.number == 4:
            (place.etc / "new").write_text("theirs")

    place.server.before = make
    with pytest.raises(Conflict):
        await place.put("/etc/new", replace=False)

    assert (place.etc / "new").read_text() == "theirs"


def look(path: str, **more: object) -> FileLook:
    return FileLook.model_validate({"op": "send", "path": path, "transfer": NAME, "allow": ("/**",), **more})


async def sent(place: Place, path: str = "/etc/old", **more: object) -> tuple[str, list[bytes]]:
    said: list[bytes] = []

    def heard(_: str, data: bytes) -> bool:
        said.append(data)
        return True

    return await send(look(path, **more), RUN, place.grounds, place.server.ask, heard), said


async def test_a_file_is_sent_whole_and_its_digest_is_told(place: Place) -> None:
    place.old.write_bytes(CONTENT)
    told, said = await sent(place)

    assert b"".join(place.server.got) == CONTENT
    assert told == f"{len(CONTENT)} bytes, sha256 {digest(CONTENT)}"
    assert [Sent.model_validate_json(one) for one in said] == [Sent(size=len(CONTENT), sha256=digest(CONTENT))]


async def test_what_the_server_has_is_not_sent_again(place: Place) -> None:
    place.old.write_bytes(CONTENT)
    place.server.got = [CONTENT[at : at + CHUNK] for at in range(0, 3 * CHUNK, CHUNK)]
    _, said = await sent(place)

    assert (place.server.asked, b"".join(place.server.got) == CONTENT) == ([0, 3, 4], True)
    assert Sent.model_validate_json(said[0]).sha256 == digest(CONTENT)


@pytest.mark.parametrize("how", ["grows", "is rewritten", "is replaced"])
async def test_a_file_that_changes_while_it_is_sent_fails(place: Place, how: str) -> None:
    place.old.write_bytes(CONTENT)

    def alter(question: Question) -> None:
        if isinstance(question, ChunkPut) and question.number == 1:
            if how == "is replaced":
                (place.etc / "other").write_bytes(CONTENT)
                (place.etc / "other").rename(place.old)
            else:
                with place.old.open("ab" if how == "grows" else "r+b") as file:
                    file.write(b"x")

    place.server.before = alter
    with pytest.raises(CannotLook, match="changed"):
        await sent(place)


async def test_what_may_not_be_looked_at_is_not_sent(place: Place) -> None:
    (place.etc / "link").symlink_to(place.outside)
    for path, more, error in (
        ("/etc/old", {"deny": ("/etc/**",)}, Refused), ("/etc/link", {}, Refused), ("/etc", {}, InputInvalid),
        ("/etc/none", {}, NotFound),
    ):
        with pytest.raises(error):
            await sent(place, path, **more)

    assert place.server.asked == []


class Wire:
    """A carrier that keeps what is sent."""

    name = "wire"

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, text: str) -> None:
        self.sent.append(text)

    async def receive(self) -> str:
        raise NotImplementedError

    async def close(self) -> None: ...


@pytest.mark.parametrize(("language", "held", "asked"), [(12, "", 0), (13, "pending", 0), (13, "", 1)])
async def test_an_older_server_or_one_that_holds_the_device_is_asked_nothing(
    language: int, held: str, asked: int
) -> None:
    courier, wire = Courier(), Wire()
    welcome = Welcome(language=language, held=held, now=1, mark=0, serial=0, signature="")
    with courier.over(wire, welcome):
        asking = asyncio.create_task(courier.ask(ChunkGet(run=RUN, transfer=NAME, number=7)))
        for _ in range(20):
            await asyncio.sleep(0)
        courier.answered(ChunkHere(transfer=NAME, number=6, data=""))
        courier.answered(ChunkHere(transfer="b" * 32, number=7, data=""))
        courier.answered(ChunkHere(transfer=NAME, number=7, data="eA=="))
        for _ in range(20):
            await asyncio.sleep(0)
    answered = asking.done()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert (len(wire.sent), answered) == (asked, bool(asked))
    assert not answered or asking.result() == ChunkHere(transfer=NAME, number=7, data="eA==")


async def test_what_the_server_does_not_give_fails_the_run(
    server: LinkServer, fleet: Fleet, parts: Parts, tmp_path: Path
) -> None:
    found = await run(server, fleet, putting(tmp_path / "file"))

    assert (found["state"], found["reason"]) == ("failed", "it is gone")
    assert list(tmp_path.glob(".guru-put-*")) == []


def kept(folder: Path) -> int:
    """Bytes of a put that are there."""
    return (folder / BESIDE).stat().st_size if (folder / BESIDE).exists() else -1


def putting(target: Path, transfer: str = NAME, content: bytes = CONTENT, **more: object) -> Command:
    change = FileChange(op="put", path=str(target), sha256=digest(content), size=len(content), transfer=transfer,
                        replace=True, allow=("/**",))
    return Command(change=change, **more)


async def test_a_put_goes_on_over_a_cut_link(server: LinkServer, fleet: Fleet, parts: Parts, tmp_path: Path) -> None:
    fleet.shelf.put(NAME, CONTENT)
    fleet.shelf.answers = 2
    await server.say(fleet.order(putting(tmp_path / "file"), job=RUN))
    await until(lambda: kept(tmp_path) == 2 * CHUNK)
    await server.stop()
    fleet.shelf.answers = 100
    await server.start()
    await until(lambda: ended(fleet, RUN), 30)

    assert end(fleet, RUN)["state"] == "succeeded"
    assert ((tmp_path / "file").read_bytes() == CONTENT, fleet.shelf.numbers(NAME)) == (True, [0, 1, 2, 3, 4])


@pytest.mark.parametrize("way", ["put", "send"])
async def test_a_run_goes_on_after_the_agent_began_anew(
    server: LinkServer, fleet: Fleet, tmp_path: Path, way: str
) -> None:
    enrolled(tmp_path / "state", fleet, server.url)
    target = tmp_path / "file"
    fleet.shelf.held[NAME] = []
    if way == "put":
        fleet.shelf.put(NAME, CONTENT)
        command = putting(target)
    else:
        target.write_bytes(CONTENT)
        command = Command(send=FileLook(op="send", path=str(target), transfer=NAME, allow=("/**",)))
    fleet.shelf.answers = 3
    for answers in (3, 100):
        fleet.shelf.answers = answers
        parts = Parts(tmp_path / "state")
        async with parts.linked():
            await until(lambda: server.links)
            if answers == 3:
                await server.say(fleet.order(command, job=RUN))
                await until(lambda: fleet.shelf.answers == 0 and (way == "send" or kept(tmp_path) == 3 * CHUNK))
            else:
                await until(lambda: ended(fleet, RUN), 30)
        parts.store.close()

    assert end(fleet, RUN)["state"] == "succeeded"
    assert target.read_bytes() == CONTENT
    if way == "put":
        assert fleet.shelf.numbers(NAME) == [0, 1, 2, 3, 4]
        assert sorted(one.name for one in tmp_path.iterdir() if one.name.startswith(".guru")) == []
    else:
        assert fleet.shelf.numbers(NAME) == [0, 1, 2, 0, 3, 4, -1]
        assert Sent.model_validate_json(printed(fleet, "out", RUN)) == Sent(size=len(CONTENT), sha256=digest(CONTENT))


async def test_two_transfers_run_at_once_others_wait_and_commands_pass_them(
    server: LinkServer, fleet: Fleet, parts: Parts, tmp_path: Path
) -> None:
    names = ["a" * 32, "b" * 32, "c" * 32, "a" * 32]
    fleet.shelf.answers = 0
    for place, name in enumerate(names):
        fleet.shelf.put(name, CONTENT)
        await server.say(fleet.order(putting(tmp_path / f"file{place}", name), job=str(place) * 32))
    passed = await run(server, fleet, Command(script="true"), job="9" * 32)
    waiting = sorted(tmp_path.glob(".guru-put-*"))
    await server.stop()
    fleet.shelf.answers = 1_000
    await server.start()
    await until(lambda: all(ended(fleet, str(place) * 32) for place in range(4)), 30)

    assert passed["state"] == "succeeded"
    assert len(waiting) <= 2
    assert [end(fleet, str(place) * 32)["state"] for place in range(4)] == ["succeeded"] * 4
    assert [(tmp_path / f"file{place}").read_bytes() == CONTENT for place in range(4)] == [True] * 4


@pytest.mark.parametrize("how", ["cancelled", "timed_out", "failed"])
async def test_a_put_that_ends_otherwise_leaves_the_old_file_and_nothing_beside(
    server: LinkServer, fleet: Fleet, parts: Parts, tmp_path: Path, how: str
) -> None:
    target = tmp_path / "folder/file"
    target.parent.mkdir()
    target.write_text("old")
    fleet.shelf.put(NAME, CONTENT[: 2 * CHUNK] if how == "failed" else CONTENT)
    fleet.shelf.answers = 100 if how == "failed" else 2
    await server.say(fleet.order(putting(target, timeout=1 if how == "timed_out" else 60), job=RUN))
    if how == "cancelled":
        await until(lambda: states(fleet, RUN) == ["running"])
        await server.say(fleet.cancel(RUN))
    await until(lambda: ended(fleet, RUN), 30)

    assert end(fleet, RUN)["state"] == how
    assert (target.read_text(), [one.name for one in target.parent.iterdir()]) == ("old", ["file"])
