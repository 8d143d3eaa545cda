"""Where an export goes: a folder or a tar file. Nothing is written through a link, nor over a file unasked."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from guru_policy.errors import Conflict, GuruError


class Wanted(NamedTuple):
    """A file to write, by the blob that it holds."""

    path: str
    blob: str
    executable: bool = False


class Place(Protocol):
    """Takes files."""

    def put(self, wanted: Wanted, data: bytes) -> None:
        """Write one."""
        ...


class FolderPlace:
    """A folder. What it wrote is known, so that a failure can take it back."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.made: list[Path] = []      # files that were not there before

    def put(self, wanted: Wanted, data: bytes) -> None:
        """Write one file, whole or not at all; Conflict when a link or a file is in the way."""
        target = self.root / wanted.path
        folders = [self.root / folder for folder in Path(wanted.path).parents if folder != Path()]
        if any(folder.is_symlink() or folder.is_file() for folder in folders) or target.is_symlink() or target.is_dir():
            raise Conflict(f"{target} lies behind a link, or in the way of one", hint="take it out of the way")
        there = target.exists()
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".guru-export.{os.getpid()}")
        try:
            fresh.write_bytes(data)
            fresh.chmod(0o755 if wanted.executable else 0o644)
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
        if not there:
            self.made.append(target)


class TarPlace:
    """A tar file whose bytes depend on the files alone."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def put(self, wanted: Wanted, data: bytes) -> None:
        """Add one file."""
        about = tarfile.TarInfo(wanted.path)
        about.size, about.mode = len(data), 0o755 if wanted.executable else 0o644
        self._archive.addfile(about, io.BytesIO(data))


def refuse_filled(root: Path) -> None:
    """Conflict when something is in the folder already, or when it is none."""
    try:
        if root.is_dir() and any(root.iterdir()):
            raise Conflict(f"{root} holds other things", hint="choose an empty folder, or --force to write over files")
        if root.exists() and not root.is_dir():
            raise Conflict(f"{root} is not a folder")
    except OSError as cause:
        raise GuruError(f"{root} cannot be read: {cause.strerror}") from cause


@contextmanager
def folder_place(root: Path) -> Iterator[FolderPlace]:
    """A folder to write into; when that fails, the files that came are taken away again."""
    place = FolderPlace(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        yield place
    except OSError as cause:
        _take_back(place)
        raise GuruError(f"{cause.filename or root} cannot be written: {cause.strerror}") from cause
    except BaseException:
        _take_back(place)
        raise


@contextmanager
def tar_place(path: Path, *, force: bool) -> Iterator[TarPlace]:
    """A tar file, there only when it is whole; Conflict when it is there already and not `force`."""
    if path.exists() and not force:
        raise Conflict(f"{path} is there already", hint="choose another name, or --force")
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with tarfile.open(fresh, "w", format=tarfile.PAX_FORMAT) as archive:
            yield TarPlace(archive)
        fresh.replace(path)
    except OSError as cause:
        raise GuruError(f"{path} cannot be written: {cause.strerror}") from cause
    finally:
        fresh.unlink(missing_ok=True)


def put_all(place: Place, wanted: Sequence[Wanted], found: Iterator[tuple[str, bytes]],
            more: Mapping[str, bytes]) -> None:
    """Write every file as its content comes, and then the files in `more`."""
    by_blob: dict[str, list[Wanted]] = {}
    for one in wanted:
        by_blob.setdefault(one.blob, []).append(one)
    for blob, data in found:
        for one in by_blob[blob]:
            place.put(one, data)
    for path, data in more.items():
        place.put(Wanted(path, ""), data)


def _take_back(place: FolderPlace) -> None:
    for target in place.made:
        target.unlink(missing_ok=True)
