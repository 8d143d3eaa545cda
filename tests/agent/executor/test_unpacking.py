"""Archives on the real executor: unpacked whole and mended, and hostile ones refused before anything changes."""

from __future__ import annotations

import hashlib
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from guru_agent.executor import Executor
from guru_agent.host.linux import LinuxHost
from guru_policy.errors import StepFailed
from guru_policy.resources.archive import Archive
from guru_policy.steps import Step

DIGEST = "a" * 64


def tar(*entries: tarfile.TarInfo | tuple[str, bytes], mode: str = "w:gz") -> bytes:
    """A tar archive of these entries."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
            else:
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                info.mode = 0o4777
                archive.addfile(info, io.BytesIO(entry[1]))
    return out.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A link, a device or a pipe."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zipped(*entries: tuple[str, bytes], mode: int = 0o644) -> bytes:
    """A zip archive of these entries."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


class Machine:
    """A sandbox root, its host and an executor whose one blob is the archive."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        (self.root / "opt").mkdir(parents=True)
        self.data = b""
        self.executor = Executor(self.root, folder / "backups", lambda digest: self.data)

    async def missing(self, one: Archive) -> list[Step]:
        """The steps that are due."""
        return list(one.plan(await one.probe(LinuxHost(self.root))))

    async def bring(self, data: bytes, **spec: object) -> Path:
        """Carry out what the archive needs; nothing may be left to do."""
        self.data = data
        one = Archive.model_validate({"path": "/opt/app", "digest": hashlib.sha256(data).hexdigest(), **spec})
        for step in await self.missing(one):
            await self.executor.execute(step)
        assert await self.missing(one) == []
        return self.root / "opt" / "app"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
async def test_a_tar_archive_is_unpacked_without_special_bits(machine: Machine, mode: str) -> None:
    app = await machine.bring(tar(("app-1/bin/run", b"x"), ("app-1/README", b"y"), mode=mode), strip=1, owner="daemon")

    assert (app / "bin" / "run").read_bytes() == b"x"
    assert stat.S_IMODE((app / "bin" / "run").stat().st_mode) == 0o755
    assert (app / "README").owner() == "daemon"


async def test_a_zip_archive_is_unpacked(machine: Machine) -> None:
    app = await machine.bring(zipped(("docs/", b""), ("docs/a.txt", b"text")))

    assert (app / "docs" / "a.txt").read_text() == "text"


async def test_a_changed_or_missing_file_is_unpacked_anew_and_a_newer_archive_leaves_nothing_old(
    machine: Machine
) -> None:
    data = tar(("a", b"1"), ("b", b"2"))
    app = await machine.bring(data)
    (app / "a").write_text("changed")
    (app / "b").unlink()
    await machine.bring(data)
    mended = (app / "a").read_text(), (app / "b").read_text()
    await machine.bring(tar(("a", b"3")))

    assert mended == ("1", "2")
    assert sorted(path.name for path in app.iterdir()) == [".guru-archive", "a"]
    assert [path.name for path in app.parent.iterdir()] == ["app"]


async def test_an_unwanted_archive_goes_and_what_is_not_ours_stays(machine: Machine) -> None:
    app = await machine.bring(tar(("a", b"1")))
    absent = Archive(path="/opt/app", ensure="absent")
    for step in await machine.missing(absent):
        await machine.executor.execute(step)
    gone = not app.exists()
    app.mkdir()
    (app / "theirs").write_text("kept")

    assert gone
    assert await machine.missing(absent) == []
    with pytest.raises(StepFailed, match="something else stands there"):
        await machine.bring(tar(("a", b"1")))
    assert (app / "theirs").read_text() == "kept"


HOSTILE = {
    "upwards": tar(("../evil", b"x")),
    "upwards inside": tar(("a/../../evil", b"x")),
    "absolute": tar(("/etc/evil", b"x")),
    "a symbolic link": tar(special("way", tarfile.SYMTYPE, "/etc"), ("way/evil", b"x")),
    "a hard link": tar(special("way", tarfile.LNKTYPE, "/etc/shadow")),
    "a device": tar(special("null", tarfile.CHRTYPE)),
    "a pipe": tar(special("pipe", tarfile.FIFOTYPE)),
    "a file twice": tar(("a", b"1"), ("a", b"2")),
    "a file as a folder": tar(("a", b"1"), ("a/b", b"2")),
    "a control character": tar(("a\nb", b"x")),
    "our own listing": tar((".guru-archive", b"{}")),
    "a bomb": tar(("zeros", bytes(2 << 20))),
    "a damaged archive": tar(("a", b"x"))[:-20],
    "no archive": b"hello",
    "a zip that leads out": zipped(("../evil", b"x")),
    "a zip with a drive": zipped(("C:\\evil", b"x")),
    "a zip with a link": zipped(("way", b"/etc"), mode=stat.S_IFLNK | 0o777),
    "a zip bomb": zipped(("zeros", bytes(2 << 20))),
    "half a zip": zipped(("a", b"x"))[:-10],
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_archive_is_refused_and_nothing_changes(machine: Machine, tmp_path: Path, data: bytes) -> None:
    app = await machine.bring(tar(("a", b"1")))
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(StepFailed):
        await machine.bring(data, maxSize=1 << 20)

    assert (app / "a").read_text() == "1"
    assert sorted(tmp_path.rglob("*")) == before


async def test_too_much_in_a_header_is_refused_before_it_is_in_memory(machine: Machine) -> None:
    info = tarfile.TarInfo("a")
    info.pax_headers = {"comment": "x" * (6 << 20)}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)

    with pytest.raises(StepFailed):
        await machine.bring(out.getvalue())
