"""A machine in memory, for tests of kinds and of whatever uses them. It never looks at the real one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from guru_policy.errors import CannotLook
from guru_policy.host import Completed, FileStat, HttpAnswer, Platform, ProcessEntry, Space, UserEntry


@dataclass
class FakeHost:
    """What a test says is there. A program that nobody gave an answer for cannot be run: CannotLook.

    `answers` maps an argv joined by spaces to its Completed; `ran` lists what was asked for.
    """

    platform: Platform = "linux"
    root: str | None = None
    answers: dict[str, Completed] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    stats: dict[str, FileStat] = field(default_factory=dict)
    users: dict[str, UserEntry] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    clock: int = 1_767_225_600_000      # 2026-01-01
    cpu: list[float] = field(default_factory=lambda: [0.0])     # one a call; the last one stays
    ram: Space = field(default_factory=lambda: Space(total=8 << 30, free=4 << 30))
    spaces: dict[str, Space] = field(default_factory=dict)
    running: tuple[ProcessEntry, ...] = ()
    listening: dict[tuple[str, int], float] = field(default_factory=dict)
    pages: dict[str, HttpAnswer] = field(default_factory=dict)
    ran: list[tuple[str, ...]] = field(default_factory=list)

    def says(self, command: str, stdout: str = "", *, exit_code: int = 0, stderr: str = "") -> None:
        """Give the answer to a program: its argv joined by spaces."""
        self.answers[command] = Completed(exit_code, stdout, stderr)

    async def query(self, *argv: str, timeout: float = 30.0) -> str:
        """The canned output, stripped."""
        return (await self.run(argv, timeout=timeout)).stdout.strip()

    async def run(
        self,
        argv: tuple[str, ...],
        *,
        timeout: float = 30.0,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> Completed:
        """The canned answer."""
        del timeout, env, cwd
        self.ran.append(argv)
        if (answer := self.answers.get(" ".join(argv))) is None:
            raise CannotLook(f"{argv[0]} is not installed")
        return answer

    async def stat(self, path: str) -> FileStat | None:
        """As given in `stats`; a path that is only in `files` is a file of root with mode 0644."""
        if path in self.stats:
            return self.stats[path]
        data = self.files.get(path)
        return None if data is None else FileStat("file", 0o644, "root", "root", len(data))

    async def read(self, path: str, limit: int = 1 << 20) -> bytes | None:
        """The content in `files`."""
        data = self.files.get(path)
        if data is not None and len(data) > limit:
            raise CannotLook(f"{path} is larger than {limit} bytes")
        return data

    async def digest(self, path: str) -> str | None:
        """SHA-256 of the content in `files`."""
        data = self.files.get(path)
        return None if data is None else hashlib.sha256(data).hexdigest()

    async def user(self, name: str) -> UserEntry | None:
        """The entry in `users`."""
        return self.users.get(name)

    async def secret(self, name: str) -> bytes | None:
        """The secret in `secrets`."""
        return self.secrets[name].encode() if name in self.secrets else None

    async def now(self) -> int:
        """`clock`."""
        return self.clock

    async def cpu_percent(self) -> float:
        """The next of `cpu`."""
        return self.cpu.pop(0) if len(self.cpu) > 1 else self.cpu[0]

    async def memory(self) -> Space:
        """`ram`."""
        return self.ram

    async def space(self, path: str) -> Space | None:
        """The filesystem in `spaces`."""
        return self.spaces.get(path)

    async def processes(self) -> tuple[ProcessEntry, ...]:
        """`running`."""
        return self.running

    async def connect(self, address: str, port: int, timeout: float) -> float | None:
        """The seconds in `listening`; None within no time when it is longer than `timeout`."""
        seconds = self.listening.get((address, port))
        return seconds if seconds is not None and seconds <= timeout else None

    async def get(self, url: str, *, timeout: float, limit: int, verify: bool = True) -> HttpAnswer | None:
        """The page in `pages`."""
        del verify
        page = self.pages.get(url)
        if page is None or page.elapsed > timeout:
            return None
        return HttpAnswer(page.status, page.body[:limit], page.elapsed, page.certificate_days)
