"""A fleet repository as it lies in a folder. It follows no link, leaves .git alone, and writes nothing."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from guru_policy.errors import Conflict, GuruError, InputInvalid, UsageWrong
from guru_policy.tree import MAX_ASSET, MAX_FILES, Entry, git_blob_id

GIT_SECONDS = 30.0
_CHUNK = 1 << 20


class FolderTree:
    """The Tree of a folder: what `git add -A` would commit when it is in a Git work tree, else every file."""

    revision = "worktree"

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise UsageWrong(f"{root} is not a folder", hint="name the folder of a fleet repository")
        self.root = root.resolve()
        self._entries: list[Entry] | None = None
        self._real: dict[str, bool] = {"": True}

    def entries(self) -> Sequence[Entry]:
        """Every file, link and submodule, by path; InputInvalid when there are too many, GuruError on a
        failed read.
        """
        if self._entries is None:
            try:
                found = [entry for path in self._paths() if (entry := self._entry(path)) is not None]
            except OSError as cause:
                raise GuruError(f"{cause.filename} cannot be read: {cause.strerror}") from cause
            self._entries = sorted(found)
        return self._entries

    def read(self, entry: Entry) -> bytes:
        """The content; Conflict when the file changed since it was listed."""
        if entry.kind != "file" or entry.size > MAX_ASSET:
            raise InputInvalid(f"{entry.path} is not a file that can be read")
        try:
            with self._open(entry.path) as file:
                data = file.read(entry.size + 1)
        except OSError as cause:
            raise GuruError(f"{entry.path} cannot be read: {cause.strerror}") from cause
        if git_blob_id(data) != entry.blob:
            raise Conflict(f"{entry.path} changed while it was read", hint="run it again")
        return data

    def _entry(self, path: str) -> Entry | None:
        if not self._inside(path.rpartition("/")[0]):
            return None                 # behind a link: the link itself is an entry
        try:
            about = (self.root / path).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None                 # tracked and deleted
        if stat.S_ISLNK(about.st_mode):
            target = os.fsencode((self.root / path).readlink())
            return Entry(path, "link", len(target), git_blob_id(target))
        if stat.S_ISDIR(about.st_mode):
            return Entry(path, "submodule", 0, "")
        if not stat.S_ISREG(about.st_mode):
            return None                 # sockets and pipes: Git has none
        return Entry(path, "file", about.st_size, self._digest(path, about.st_size))

    def _digest(self, path: str, size: int) -> str:
        digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        if size > MAX_ASSET:
            return digest.hexdigest()   # too large to be read at all; refused by its size
        with self._open(path) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()

    def _open(self, path: str) -> BinaryIO:
        """Open a file, but neither a link that took its place nor a pipe that would wait."""
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(self.root / path, flags), "rb")

    def _inside(self, folder: str) -> bool:
        """Whether no part of the folder's path is a link."""
        if folder not in self._real:
            parent = folder.rpartition("/")[0]
            self._real[folder] = self._inside(parent) and not (self.root / folder).is_symlink()
        return self._real[folder]

    def _paths(self) -> Iterator[str]:
        listed = self._listed()
        for count, path in enumerate(self._walked("") if listed is None else listed):
            if count > MAX_FILES:
                raise InputInvalid(f"{self.root} holds more than {MAX_FILES:,} files")
            yield path

    def _listed(self) -> list[str] | None:
        """What Git would commit; None when this is no Git work tree, or there is no git."""
        command = ["git", "-c", "core.fsmonitor=false", "-C", str(self.root), "ls-files", "-z", "--cached",
                   "--others",
                   "--exclude-standard", "--deduplicate"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, check=False,
                                  stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode:
            return None
        return [os.fsdecode(name).rstrip("/") for name in done.stdout.split(b"\0") if name]

    def _walked(self, folder: str) -> Iterator[str]:
        with os.scandir(self.root / folder) as found:
            items = sorted(found, key=lambda item: item.name)
        for item in items:
            path = f"{folder}/{item.name}" if folder else item.name
            if item.name == ".git":
                continue
            if item.is_dir(follow_symlinks=False):
                if (self.root / path / ".git").exists():
                    yield path
                else:
                    yield from self._walked(path)
            else:
                yield path


def find_root(start: Path) -> Path:
    """The fleet repository around a folder: the nearest one up to the Git work tree that looks like one."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / "org").is_dir() or (folder / "customers").is_dir() or (folder / ".git").exists():
            return folder
    return start
