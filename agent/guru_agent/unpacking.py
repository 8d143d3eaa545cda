"""Unpacks an archive beside its place and swaps it in. It writes nothing outside the folder it makes.

An archive is hostile: links, devices, paths that lead out or name a file twice, and more bytes or files than
allowed refuse the whole of it, before anything at its place is touched.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import secrets
import shutil
import stat as modes
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO, NamedTuple, cast

from guru_policy.errors import StepFailed
from guru_policy.steps import Unpack
from guru_policy.unpacked import LISTING, MOST_FILES, Listing

CHUNK = 1 << 20
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
HEADERS = 4 << 20                       # bytes of headers and padding between two members
LONGEST_PATH, DEEPEST = 1000, 40

DAMAGED = (
    tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError,
    RuntimeError, ValueError,
)


class Member(NamedTuple):
    """A file of an archive; `runs` when anybody may execute it. A directory has nothing to open."""

    path: str
    runs: bool
    open: Callable[[], IO[bytes]] | None


def unpack(data: bytes, step: Unpack, parent: int, name: str, ids: tuple[int, int]) -> None:
    """Make the directory `name` in the open folder `parent` what the archive holds.

    Raises StepFailed for an archive that is refused or cannot be read; then nothing has changed.
    """
    _require_ours(step, parent, name)
    prefix = f".{name[:100]}.guru-"
    for left in _names(parent):
        if left.startswith(prefix):     # of a run that was killed
            shutil.rmtree(left, dir_fd=parent)
    fresh, old = f"{prefix}{secrets.token_hex(6)}", f"{prefix}{secrets.token_hex(6)}"
    os.mkdir(fresh, 0o700, dir_fd=parent)
    try:
        folder = os.open(fresh, FOLDER, dir_fd=parent)
        try:
            _fill(data, step, folder, ids)
        finally:
            os.close(folder)
        if _exists(name, parent):
            os.rename(name, old, src_dir_fd=parent, dst_dir_fd=parent)
        os.rename(fresh, name, src_dir_fd=parent, dst_dir_fd=parent)
        os.fsync(parent)
    finally:
        for left in (fresh, old):
            if _exists(left, parent):
                shutil.rmtree(left, dir_fd=parent)


def _require_ours(step: Unpack, parent: int, name: str) -> None:
    try:
        folder = os.open(name, FOLDER, dir_fd=parent)
    except FileNotFoundError:
        return
    try:
        found = _names(folder)
    finally:
        os.close(folder)
    if found and LISTING not in found:
        raise StepFailed(f"could not {step}: something else stands there, and it is not replaced")


def _fill(data: bytes, step: Unpack, folder: int, ids: tuple[int, int]) -> None:
    digests: dict[str, str] = {}
    left = step.max_size
    try:
        for count, member in enumerate(_members(data, step.max_size)):
            if count >= MOST_FILES:
                raise StepFailed(f"could not {step}: more than {MOST_FILES:,} entries")
            path = _inside(member.path, step)
            if path is None:
                continue
            if member.open is None:
                _make_folders(path.split("/"), folder, ids)
                continue
            size, digests[path] = _write(member, path, folder, ids, left, step)
            left -= size
    except DAMAGED as cause:
        raise StepFailed(f"could not {step}: the archive is damaged, or in a form that is not read") from cause
    except (FileExistsError, NotADirectoryError) as cause:
        raise StepFailed(f"could not {step}: a path is there twice, or is a file and a folder") from cause
    text = Listing(made_from=step.made_from, files=digests).model_dump_json().encode()
    listing = Member(LISTING, False, lambda: io.BytesIO(text))
    _write(listing, LISTING, folder, ids, len(text), step)
    os.fchown(folder, *ids)
    os.fchmod(folder, 0o755)


def _inside(path: str, step: Unpack) -> str | None:
    """The path below the folder, without the parts to strip; None when nothing is left. StepFailed if it leads out."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    bad = path.startswith("/") or "\\" in path or ".." in parts or not path.isprintable()
    if bad or len(path) > LONGEST_PATH or len(parts) > DEEPEST or any(len(part.encode()) > 255 for part in parts):
        raise StepFailed(f"could not {step}: the archive holds a path that is not taken: {ascii(path)[:80]}")
    kept = "/".join(parts[step.strip :])
    if kept.split("/")[0] == LISTING:
        raise StepFailed(f"could not {step}: the archive holds {LISTING}, which is ours")
    return kept or None


def _members(data: bytes, most: int) -> Iterator[Member]:
    if data[:2] == b"PK":
        yield from _of_zip(data)
    else:
        yield from _of_tar(data, most)


class _Reader:
    """A compressed stream that gives no more than `allowed` bytes: tarfile takes headers into memory whole."""

    def __init__(self, data: bytes) -> None:
        raw = io.BytesIO(data)
        kinds: tuple[tuple[bytes, Callable[[], IO[bytes]]], ...] = (
            (b"\x1f\x8b", lambda: cast(IO[bytes], gzip.GzipFile(fileobj=raw))),
            (b"BZh", lambda: cast(IO[bytes], bz2.BZ2File(raw))),
            (b"\xfd7zXZ", lambda: cast(IO[bytes], lzma.LZMAFile(raw))),  # noqa: SIM115 - ends with its bytes
        )
        self._stream = next((opened() for magic, opened in kinds if data.startswith(magic)), raw)
        self.count, self.allowed = 0, HEADERS

    def read(self, size: int) -> bytes:
        """The next bytes; ReadError when the archive hides too many of them in headers."""
        data = self._stream.read(size)
        self.count += len(data)
        if self.count > self.allowed:
            raise tarfile.ReadError("too long a header")
        return data


def _of_tar(data: bytes, most: int) -> Iterator[Member]:
    reader = _Reader(data)
    with tarfile.open(fileobj=cast(IO[bytes], reader), mode="r|") as archive:
        for entry in archive:
            if not (entry.isreg() or entry.isdir()):
                raise StepFailed(f"the archive holds {ascii(entry.name)[:80]}, which is neither file nor folder")
            if entry.size > most:
                raise StepFailed(f"the archive holds {ascii(entry.name)[:80]}, which has {entry.size:,} bytes")
            reader.allowed = reader.count + entry.size + HEADERS
            yield Member(entry.name, bool(entry.mode & 0o111), _opener(archive, entry) if entry.isreg() else None)


def _opener(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        return archive.extractfile(entry) or io.BytesIO()

    return opened


def _of_zip(data: bytes) -> Iterator[Member]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            mode = entry.external_attr >> 16
            if modes.S_IFMT(mode) not in (0, modes.S_IFREG, modes.S_IFDIR):
                raise StepFailed(f"the archive holds {ascii(entry.filename)[:80]}, which is neither file nor folder")
            opened = None if entry.is_dir() else _zip_opener(archive, entry)
            yield Member(entry.filename, bool(mode & 0o111), opened)


def _zip_opener(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(entry)


def _write(
    member: Member, path: str, folder: int, ids: tuple[int, int], left: int, step: Unpack
) -> tuple[int, str]:
    """Write one new file; how many bytes it has, and their digest."""
    *folders, name = path.split("/")
    assert member.open is not None  # noqa: S101 - a file
    digest, size = hashlib.sha256(), 0
    with ExitStack() as stack:
        place = _make_folders(folders, folder, ids, stack)
        target = stack.enter_context(os.fdopen(os.open(name, FRESH, 0o600, dir_fd=place), "wb"))
        source = stack.enter_context(member.open())
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > left:
                raise StepFailed(f"could not {step}: it holds more than {step.max_size:,} bytes")
            digest.update(chunk)
            target.write(chunk)
        target.flush()
        os.fchown(target.fileno(), *ids)
        os.fchmod(target.fileno(), 0o755 if member.runs else 0o644)
        os.fsync(target.fileno())
    return size, digest.hexdigest()


def _make_folders(parts: list[str], folder: int, ids: tuple[int, int], stack: ExitStack | None = None) -> int:
    """An open descriptor of the folder, closed by the stack; it and those above are made when missing."""
    with ExitStack() as own:
        keep = stack if stack is not None else own
        for part in parts:
            try:
                os.mkdir(part, 0o755, dir_fd=folder)
                new = True
            except FileExistsError:
                new = False
            folder = os.open(part, FOLDER, dir_fd=folder)
            keep.callback(os.close, folder)
            if new:
                os.fchown(folder, *ids)
                os.fchmod(folder, 0o755)
        return folder


def _names(folder: int) -> set[str]:
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries}


def _exists(name: str, parent: int) -> bool:
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
