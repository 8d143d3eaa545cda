"""The few ways to look at a machine. Looking only: nothing here may change what it looks at.

Every method raises CannotLook when the look itself failed (program missing, permission, timeout);
"looked, and it is not there" is None, an empty tuple or False, never an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

Platform = Literal["linux", "windows", "macos"]
Shell = Literal["sh", "bash", "powershell", "cmd", "python"]
Sandbox = Literal["confined", "isolated"]
PLATFORMS: frozenset[Platform] = frozenset(get_args(Platform))


@dataclass(frozen=True, slots=True)
class Completed:
    """A finished program. Output is decoded with replacement and cut at the host's limit."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class FileStat:
    """What is at a path; `mode` holds the permission bits only. Symbolic links are not followed."""

    type: Literal["file", "directory", "link", "other"]
    mode: int
    owner: str
    group: str
    size: int


@dataclass(frozen=True, slots=True)
class UserEntry:
    """One line of the user database, with supplementary groups sorted by name."""

    name: str
    uid: int
    gid: int
    comment: str
    home: str
    shell: str
    groups: tuple[str, ...]
    locked: bool


@dataclass(frozen=True, slots=True)
class Space:
    """A filesystem's size, what an ordinary user may still write, and what only root may; in bytes."""

    total: int
    free: int
    reserved: int = 0

    @property
    def used_percent(self) -> float:
        """The used share of what ordinary users can have: Use% of df(1), which rounds it up."""
        used = self.total - self.free - self.reserved
        return 100 * used / (used + self.free) if used + self.free > 0 else 100.0


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """A running process; `command` is its argv joined by spaces."""

    pid: int
    name: str
    command: str
    user: str


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The answer to one GET; the body is cut at the limit asked for. `elapsed` is in seconds."""

    status: int
    body: bytes
    elapsed: float
    certificate_days: float | None      # until the server's certificate ends; None over plain HTTP


class Host(Protocol):
    """A machine to look at. `FakeHost` is the one for tests; agents have a real one per platform."""

    @property
    def platform(self) -> Platform: ...

    @property
    def root(self) -> str | None:
        """The sandbox root in front of every path; None for the machine itself."""
        ...

    async def query(self, *argv: str, timeout: float = 30.0) -> str:
        """Standard output of a program that only looks, stripped, whatever its exit code."""
        ...

    async def run(
        self,
        argv: tuple[str, ...],
        *,
        timeout: float = 30.0,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> Completed:
        """Run a program that only looks (a check's script, an `unless` test)."""
        ...

    async def stat(self, path: str) -> FileStat | None: ...

    async def read(self, path: str, limit: int = 1 << 20) -> bytes | None:
        """The file's content; None when absent; CannotLook when larger than `limit` bytes."""
        ...

    async def digest(self, path: str) -> str | None:
        """SHA-256 of the file's content in hex; None when absent; CannotLook beyond tree.MAX_ASSET bytes."""
        ...

    async def user(self, name: str) -> UserEntry | None: ...

    async def secret(self, name: str) -> bytes | None:
        """A secret of this device, at most 64 KiB; CannotLook when others than root could read it.

        Its value goes into steps only, never into a message.
        """
        ...

    async def now(self) -> int:
        """The machine's own clock: milliseconds since 1970, UTC."""
        ...

    async def cpu_percent(self) -> float:
        """Busy share of all processors since the last call, 0 to 100."""
        ...

    async def memory(self) -> Space:
        """Physical memory; `free` is what can be had without swapping."""
        ...

    async def space(self, path: str) -> Space | None:
        """The filesystem that holds `path`; None when the path does not exist."""
        ...

    async def processes(self) -> tuple[ProcessEntry, ...]: ...

    async def connect(self, address: str, port: int, timeout: float) -> float | None:
        """Seconds until a TCP connection stood; None when refused or not within `timeout`."""
        ...

    async def get(self, url: str, *, timeout: float, limit: int, verify: bool = True) -> HttpAnswer | None:
        """One HTTP GET, no redirects followed; None when nobody answered within `timeout`."""
        ...
