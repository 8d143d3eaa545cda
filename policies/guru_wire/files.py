"""A look at a file or folder of a device: what is asked for, and what of it comes back. Frozen models, no logic."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from guru_policy.model import Carried

MAX_READ = 8 << 20                      # bytes of one look
MAX_LINES = 100_000
MAX_ENTRIES = 20_000                    # of a folder
Path = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class FileAsk(Carried):
    """`list` a folder, or `read` a file: all of it, or its last `lines`; with `follow` what is added then, too."""

    op: Literal["list", "read"]
    path: Path
    lines: int = Field(default=0, ge=0, le=MAX_LINES)
    follow: bool = False


class FileLook(FileAsk):
    """The same as it is ordered: with the patterns by which the device judges where the path really leads."""

    allow: tuple[str, ...] = Field(max_length=2_000)
    deny: tuple[str, ...] = Field(default=(), max_length=2_000)


class FileEntry(Carried):
    """One name in a folder; `target` is of a link, which is not followed. `mtime` is ms UTC."""

    name: str
    type: Literal["file", "directory", "link", "other"]
    size: int
    mode: str
    owner: str
    group: str
    mtime: int
    target: str = ""
