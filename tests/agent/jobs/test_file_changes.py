"""Changes of files: a new file is whole or not there, an old one is never lost, and rules bound where it happens."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from pathlib import Path

import pytest

from guru_agent.jobs import file_changes
from guru_agent.jobs.file_changes import change
from guru_agent.jobs.files import Grounds
from guru_policy.errors import CannotLook, Conflict, GuruError, InputInvalid, NotFound, Refused, StepFailed
from guru_wire.files import FileChange
from guru_wire.orders import Command
from tests.agent.conftest import Parts
from tests.agent.jobs.test_runner import end, parts, run, server
from tests.agent.link_server import Fleet, LinkServer

__all__ = ["parts", "server"]


class Place:
    """A sandbox with an old file, and what a change of it does."""

    def __init__(self, root: Path) -> None:
        self.root, self.private = root, root / "agent"
        (root / "etc").mkdir(parents=True)
        self.private.mkdir()
        self.old = root / "etc/old"
        self.old.write_text("old")
        self.old.chmod(0o640)

    def put(
        self, path: str, content: bytes = b"new", *, op: str = "put", mode: str = "", replace: bool = False,
        sha256: str = "", allow: tuple[str, ...] = ("/**",), deny: tuple[str, ...] = (),
    ) -> str:
        order = FileChange.model_validate({
            "op": op, "path": path, "sha256": sha256 or hashlib.sha256(content).hexdigest(), "mode": mode,
            "replace": replace, "allow": allow, "deny": deny})
        return change(order, content, Grounds(self.root, self.private))

    def whole(self) -> bool:
        """Whether the old file is as it was, with nothing new beside it."""
        return self.old.read_text() == "old" and names(self.old.parent) == ["old"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "root")


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_for_its_owner_alone_and_one_that_is_replaced_gives_its_mode(place: Place) -> None:
    told = place.put("/etc/new")
    place.put("/etc/old", replace=True)
    place.put("/etc/open", mode="644")

    assert told == f"3 bytes, sha256 {hashlib.sha256(b'new').hexdigest()}"
    assert [(place.root / "etc" / name).read_bytes() for name in ("new", "old", "open")] == [b"new"] * 3
    assert [mode(place.root / "etc" / name) for name in ("new", "old", "open")] == [0o600, 0o640, 0o644]
    assert names(place.root / "etc") == ["new", "old", "open"]


def test_rights_that_a_program_had_are_not_given_to_another(place: Place) -> None:
    place.old.chmod(0o4755)
    place.put("/etc/old", replace=True)

    assert mode(place.old) == 0o755


@pytest.mark.parametrize(("path", "more", "error"), [
    ("/etc/old", {}, Conflict), ("/etc/old", {"replace": True, "sha256": "0" * 64}, InputInvalid),
    ("/etc/old", {"replace": True, "allow": ("/var/**",)}, Refused),
    ("/etc/old", {"replace": True, "deny": ("/etc/*",)}, Refused), ("/etc", {"replace": True}, InputInvalid),
    ("/etc/", {}, InputInvalid), ("/nowhere/new", {}, NotFound), ("/etc/old/new", {}, InputInvalid),
    ("/etc/../etc/old", {"replace": True}, GuruError), ("/", {}, GuruError), ("/agent/state", {}, Refused),
    ("/agent/state", {"op": "remove"}, Refused), ("/etc/none", {"op": "remove"}, NotFound),
    ("/etc", {"op": "remove"}, InputInvalid), ("/etc/old", {"op": "remove", "deny": ("/etc/old",)}, Refused),
])
def test_what_may_not_be_changes_nothing(
    path: str, more: dict[str, object], error: type[Exception], place: Place
) -> None:
    with pytest.raises(error):
        place.put(path, **more)         # type: ignore[arg-type]

    assert place.whole()
    assert list(place.private.iterdir()) == []


@pytest.mark.parametrize("op", ["put", "remove"])
def test_no_link_leads_to_another_file_or_folder(op: str, place: Place) -> None:
    (place.root / "home").mkdir()
    (place.root / "home/file").symlink_to(place.old)
    (place.root / "home/folder").symlink_to(place.old.parent)
    (place.root / "home/agent").symlink_to(place.private)
    for path in ("/home/file", "/home/folder/old", "/home/agent/state"):
        with pytest.raises(Refused):
            place.put(path, op=op, replace=op == "put")

    assert place.whole()
    assert (place.root / "home/file").is_symlink()


def test_a_pipe_is_neither_replaced_nor_removed(place: Place) -> None:
    os.mkfifo(place.root / "pipe")
    for op in ("put", "remove"):
        with pytest.raises(Refused):
            place.put("/pipe", op=op, replace=True)

    assert (place.root / "pipe").is_fifo()


def test_a_full_disk_leaves_the_old_file(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_changes, "SPARE", 1 << 62)

    with pytest.raises(CannotLook):
        place.put("/etc/old", replace=True)
    assert place.whole()


@pytest.mark.parametrize("step", ["write", "fsync", "rename"])
def test_a_disk_that_fails_at_any_step_leaves_the_old_file(
    step: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file_changes.os, step, fail)
    with pytest.raises(StepFailed):
        place.put("/etc/old", replace=True)
    monkeypatch.undo()

    assert place.whole()


def test_a_file_that_was_made_meanwhile_keeps_its_name(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_changes, "_there", lambda folder, name: None)

    with pytest.raises(Conflict):
        place.put("/etc/old")
    assert place.whole()


def test_a_file_is_removed_and_its_other_names_stay(place: Place) -> None:
    (place.root / "other").hardlink_to(place.old)

    assert place.put("/etc/old", op="remove") == "removed, 3 bytes"
    assert not place.old.exists()
    assert (place.root / "other").read_text() == "old"


async def test_an_order_on_a_real_link_puts_a_file_and_tells_why_not(
    server: LinkServer, fleet: Fleet, parts: Parts, tmp_path: Path
) -> None:
    order = FileChange(op="put", path=str(tmp_path / "note"), sha256=hashlib.sha256(b"hello").hexdigest(),
                       allow=("/**",))
    stdin = base64.b64encode(b"hello").decode()
    found = await run(server, fleet, Command(change=order, stdin=stdin))
    denied = order.model_copy(update={"allow": ("/etc/**",), "replace": True})
    await run(server, fleet, Command(change=denied, stdin=stdin), "2" * 32)
    altered = order.model_copy(update={"replace": True})
    await run(server, fleet, Command(change=altered, stdin=base64.b64encode(b"other").decode()), "3" * 32)

    assert (found["state"], found["reason"]) == ("succeeded", f"5 bytes, sha256 {order.sha256}")
    assert "may not change" in end(fleet, "2" * 32)["reason"]
    assert "not what was sent" in end(fleet, "3" * 32)["reason"]
    assert (tmp_path / "note").read_text() == "hello"
