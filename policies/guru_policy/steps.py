"""What can be done to a machine, as data. Nothing here does it: the agent's executor is the only writer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Write the whole file, atomically. Exactly one of `content` and `digest` (a bundle's blob) is set.

    `below` names a folder whose owner may be anybody: below it no symbolic link is followed.
    """

    path: str
    content: bytes | None = field(default=None, repr=False)
    digest: str | None = None           # sha256 hex of a blob the manifest lists
    mode: int | None = None             # permission bits; None keeps what is there, 0o644 for a new file
    owner: str | None = None
    group: str | None = None
    backup: bool = True                 # keep what is replaced under the agent's state folder
    below: str | None = None

    def __str__(self) -> str:
        return f"write {self.path}"


@dataclass(frozen=True, slots=True)
class MakeDirectory:
    """Make a directory, parents too. `below`: see WriteFile."""

    path: str
    mode: int | None = None
    owner: str | None = None
    group: str | None = None
    below: str | None = None

    def __str__(self) -> str:
        return f"make directory {self.path}"


@dataclass(frozen=True, slots=True)
class SetAttributes:
    """Change permission bits or ownership and nothing else; None leaves one as it is."""

    path: str
    mode: int | None = None
    owner: str | None = None
    group: str | None = None

    def __str__(self) -> str:
        wanted = [f"{self.mode:04o}"] if self.mode is not None else []
        if self.owner or self.group:
            wanted.append(f"{self.owner or ''}:{self.group or ''}")
        return f"set {self.path} to {' '.join(wanted)}"


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a file or, when `recursive`, a directory with its content. Absent is fine."""

    path: str
    recursive: bool = False
    backup: bool = True                 # files only

    def __str__(self) -> str:
        return f"remove {self.path}"


@dataclass(frozen=True, slots=True)
class Unpack:
    """Replace a directory by the content of an archive (a bundle's blob): tar, also compressed, or zip.

    Only files and directories whose paths stay inside; at most `max_size` bytes unpacked. A directory that did
    not come from an archive, and is not empty, is never replaced (guru_policy.unpacked).
    """

    path: str
    digest: str                         # sha256 hex of a blob the manifest lists
    made_from: str                      # what the listing says it came from
    strip: int = 0                      # leading folders to leave out
    max_size: int = 256 << 20
    owner: str | None = None
    group: str | None = None

    def __str__(self) -> str:
        return f"unpack {self.digest[:12]} to {self.path}"


@dataclass(frozen=True, slots=True)
class Execute:
    """Run a program without a shell; an exit code other than 0 is a failed step.

    Under a sandbox root a program starts in that folder with GURU_ROOT naming it; a `system` program,
    which changes the whole machine as apt-get does, is refused there. What must not be seen in a list of
    processes, a plan or a report goes in on `stdin`; `says` names a step whose argv says little.
    """

    argv: tuple[str, ...]
    timeout: float = 300.0              # seconds
    env: tuple[tuple[str, str], ...] = field(default=())
    cwd: str | None = None
    system: bool = False                # changes the machine itself: refused under a sandbox root
    stdin: bytes = field(default=b"", repr=False)
    says: str = ""

    def __str__(self) -> str:
        return self.says or "run " + " ".join(self.argv)


Step: TypeAlias = WriteFile | MakeDirectory | SetAttributes | Remove | Unpack | Execute


def execute(*argv: str, timeout: float = 300.0, env: dict[str, str] | None = None) -> Execute:
    """Shorthand: the step that runs `argv`."""
    return Execute(argv=argv, timeout=timeout, env=tuple(sorted((env or {}).items())))


def change_system(*argv: str, timeout: float = 300.0, env: dict[str, str] | None = None) -> Execute:
    """Like `execute`, for programs that change the machine and know no sandbox root (apt-get, systemctl)."""
    return replace(execute(*argv, timeout=timeout, env=env), system=True)
