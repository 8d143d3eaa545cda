"""Parts of files: they make up the file, stop when it is another one, and are judged like every look."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from guru_agent.jobs import file_parts
from guru_agent.jobs.files import Grounds, look_at
from guru_policy.errors import CannotLook, GuruError, InputInvalid, Refused
from guru_wire.files import MAX_COPY, PART, FileLook, FilePart, PartHead


class Brought:
    """A part as it came: its head, its bytes, and what the audit log is told."""

    def __init__(self, data: bytes, told: str) -> None:
        line, _, self.data = data.partition(b"\n")
        self.head, self.told = PartHead.model_validate_json(line), told


async def bring(root: Path, path: str, start: int = 0, of: str = "", allow: tuple[str, ...] = ("/**",)) -> Brought:
    heard = bytearray()

    def hear(stream: str, data: bytes) -> bool:
        heard.extend(data)
        return True

    look = FileLook(op="read", path=path, part=FilePart(start=start, of=of), allow=allow)
    told = await look_at(look, Grounds(root, None), hear)
    return Brought(bytes(heard), told)


async def test_the_parts_make_up_the_file_and_the_last_one_has_the_digest_of_all(tmp_path: Path) -> None:
    content = bytes(range(256)) * (PART // 256) + b"\nthe rest"
    (tmp_path / "big").write_bytes(content)
    first = await bring(tmp_path, "/big")
    last = await bring(tmp_path, "/big", len(first.data), first.head.stamp)
    nothing = await bring(tmp_path, "/big", len(content), first.head.stamp)

    assert first.data + last.data == content
    assert (first.head.size, first.head.sha256) == (len(content), "")
    assert last.head.sha256 == nothing.head.sha256 == hashlib.sha256(content).hexdigest()
    assert (nothing.data, last.head.sha256 in last.told) == (b"", True)


async def test_no_bytes_come_of_a_file_that_is_another_one_by_now(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("first")
    first = await bring(tmp_path, "/x")
    (tmp_path / "new").write_text("other")
    (tmp_path / "new").rename(tmp_path / "x")
    then = await bring(tmp_path, "/x", 2, first.head.stamp)

    assert (then.data, then.head.stamp != first.head.stamp) == (b"", True)


async def test_a_file_that_is_written_to_while_it_is_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_text("first")
    real = file_parts._bytes

    def slow(descriptor: int, start: int, end: int) -> object:
        yield from real(descriptor, start, end)
        (tmp_path / "x").write_text("other words")

    monkeypatch.setattr(file_parts, "_bytes", slow)
    with pytest.raises(CannotLook, match="changed"):
        await bring(tmp_path, "/x")


@pytest.mark.parametrize(("path", "error"), [
    ("/folder", InputInvalid), ("/huge", InputInvalid), ("/link", Refused), ("/secret", Refused)])
async def test_what_is_no_file_too_large_or_not_allowed_is_refused(
    path: str, error: type[GuruError], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to("secret")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(MAX_COPY + 1)

    with pytest.raises(error):
        await bring(tmp_path, path, allow=("/folder*", "/folder/", "/huge", "/link"))
