"""Files of another product, read from a file or a folder: bounded, never through a link. It writes nothing."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from guru_policy.errors import GuruError, InputInvalid, NotFound

MAX_FILE = 32 << 20                     # bytes
MAX_TOTAL = 256 << 20
MAX_FILES = 20_000
MAX_DEPTH = 12                          # folders


class ForeignFolder:
    """A folder of somebody else's; every read counts against one limit."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise NotFound(f"{root} is not a folder")
        self.root = root.resolve()
        self._left = MAX_TOTAL

    def paths(self) -> list[str]:
        """Every file, sorted; links and hidden folders are passed over. InputInvalid for too many."""
        found: list[str] = []
        for path in self._walked("", 0):
            found.append(path)
            if len(found) > MAX_FILES:
                raise InputInvalid(f"{self.root} holds more than {MAX_FILES:,} files")
        return sorted(found)

    def read(self, path: str) -> bytes:
        """The content of a file inside; InputInvalid when it is too large, lies outside or behind a link."""
        parts = path.split("/")
        here = self.root
        for part in parts:
            here = here / part
            if part in ("", ".", "..") or here.is_symlink():
                raise InputInvalid(f"{path} does not lie in {self.root}, or behind a link")
        data = read_bounded(here, min(MAX_FILE, self._left))
        self._left -= len(data)
        return data

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        return ".." not in path.split("/") and (self.root / path).is_file()

    def _walked(self, folder: str, depth: int) -> Iterator[str]:
        if depth > MAX_DEPTH:
            raise InputInvalid(f"{self.root / folder} lies more than {MAX_DEPTH} folders deep")
        try:
            with os.scandir(self.root / folder) as found:
                items = sorted(found, key=lambda item: item.name)
        except OSError as cause:
            raise GuruError(f"{cause.filename} cannot be read: {cause.strerror}") from cause
        for item in items:
            path = f"{folder}/{item.name}" if folder else item.name
            if item.name.startswith(".") or item.is_symlink():
                continue
            if item.is_dir(follow_symlinks=False):
                yield from self._walked(path, depth + 1)
            elif item.is_file(follow_symlinks=False):
                yield path


def read_bounded(path: Path, most: int = MAX_FILE) -> bytes:
    """A regular file of at most so many bytes; NotFound, InputInvalid or GuruError."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InputInvalid(f"{path} is not a file")
            data = file.read(most + 1)
    except FileNotFoundError as cause:
        raise NotFound(f"{path} is not there") from cause
    except OSError as cause:
        raise GuruError(f"{path} cannot be read: {cause.strerror}") from cause
    if len(data) > most:
        raise InputInvalid(f"{path} is too large", hint=f"a file may have {MAX_FILE >> 20} MiB, all together "
                                                        f"{MAX_TOTAL >> 20} MiB")
    return data


def strict_json(data: bytes, where: str) -> JsonValue:
    """JSON (RFC 8259) without doubled keys, NaN or bytes that are not UTF-8; InputInvalid for anything else."""
    try:
        text = data.decode("utf-8-sig")
        return cast("JsonValue", json.loads(text, object_pairs_hook=_once, parse_constant=_no_number))
    except (ValueError, RecursionError) as cause:
        said = cause.msg if isinstance(cause, json.JSONDecodeError) else type(cause).__name__
        line = f" in line {cause.lineno}" if isinstance(cause, json.JSONDecodeError) else ""
        raise InputInvalid(f"{where} is not JSON{line}: {said}") from cause


def _once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise json.JSONDecodeError("a key is there twice", "", 0)
    return found


def _no_number(word: str) -> JsonValue:
    raise json.JSONDecodeError(f"{word} is no number", "", 0)
