"""A look at a file or folder of a device, or a change of a file: what is asked for, and what comes back. No logic."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from guru_policy.model import Carried

MAX_READ = 8 << 20                      # bytes of one look
PART = 2 << 20                          # bytes of one part of a file that is copied: little of the spool of a device
MAX_COPY = 32 << 20                     # bytes of a file that is copied: well within what a device may send at once
MAX_PUT = 256 << 10                     # bytes of a file that an order brings
MAX_LINES = 100_000
MAX_ENTRIES = 20_000                    # of a folder
Path = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
TransferId = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{32})?$")]


class FilePart(Carried):
    """PART bytes of a file from byte `start`; of the file with the stamp `of`, or of whatever is there."""

    start: int = Field(default=0, ge=0, le=MAX_COPY)
    of: str = Field(default="", pattern=r"^([0-9a-f]{32})?$")


class PartHead(Carried):
    """The line of JSON before the bytes of a part: of which file they are.

    `stamp` is another one once the file was written to or replaced. When it is not what was asked for, no bytes follow.
    `sha256` is of the whole file, and is there with its last part.
    """

    size: int = Field(ge=0, le=MAX_COPY)
    stamp: str = Field(pattern=r"^[0-9a-f]{32}$")
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")


class FileAsk(Carried):
    """`list` a folder, or `read` a file: all of it, its last `lines`, or a `part` of it.

    With `follow` what is added comes, too. An agent below LANGUAGE 10 passes over `part`: what it brings has no head.
    `send` has the device bring a file of any size as a `transfer`, since LANGUAGE 13; its output is then one Sent.
    """

    op: Literal["list", "read", "send"]
    path: Path
    lines: int = Field(default=0, ge=0, le=MAX_LINES)
    follow: bool = False
    part: FilePart | None = None        # since LANGUAGE 10
    transfer: TransferId = ""           # since LANGUAGE 13


class FileLook(FileAsk):
    """The same as it is ordered: with the patterns by which the device judges where the path really leads."""

    allow: tuple[str, ...] = Field(max_length=2_000)
    deny: tuple[str, ...] = Field(default=(), max_length=2_000)


class FileChangeAsk(Carried):
    """`put` a file, whose content is the command's stdin or a whole `transfer`, or `remove` one. Since LANGUAGE 12.

    `mode` is octal; empty, a file that is replaced keeps its own, and a new one is for its owner alone.
    """

    op: Literal["put", "remove"]
    path: Path
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    mode: str = Field(default="", pattern=r"^([0-7]{3})?$")
    replace: bool = False
    transfer: TransferId = ""           # since LANGUAGE 13; an older agent finds no content, and puts nothing


class FileChange(FileChangeAsk):
    """The same as it is ordered: with the patterns by which the device judges where the path really leads.

    `size` is of what a transfer brings.
    """

    size: int = Field(default=0, ge=0)
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
