"""A real Linux machine, looked at. It never writes, and it reads no more than the limits it is given."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import stat as modes
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import psutil

from guru_agent.host.accounts import group_name, user_entry, user_name
from guru_agent.host.programs import run_program
from guru_agent.host.rooted import parent_of
from guru_agent.reaching import Direct, Reach
from guru_policy.errors import CannotLook
from guru_policy.host import (
    Completed,
    FileStat,
    HttpAnswer,
    Platform,
    ProcessEntry,
    Space,
    UserEntry,
)
from guru_policy.tree import MAX_ASSET

PIECE = 256 << 10
SHORTEST = 1.0                          # seconds that a share of processor time is taken over at least
ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR})
SECRETS = "/etc/guru/secrets"
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class LinuxHost:
    """The Host protocol on Linux; `root` is a sandbox in front of every path of a file.

    `sealed` opens what came with the desired state; a secret that did not come is a file of this machine. `reach` looks
    over the network in the place of this process.
    """

    def __init__(
        self, root: Path | None = None, sealed: Callable[[str], bytes | None] = lambda _: None,
        reach: Reach | None = None,
    ) -> None:
        self._root, self._sealed, self._reach = root, sealed, reach or Direct()
        self._busy = psutil.cpu_percent(None)           # the first call only sets the start of the interval
        self._busy_at = time.monotonic()

    @property
    def platform(self) -> Platform:
        """linux."""
        return "linux"

    @property
    def root(self) -> str | None:
        """The sandbox root, as text."""
        return None if self._root is None else str(self._root)

    async def query(self, *argv: str, timeout: float = 30.0) -> str:
        """See Host."""
        return (await self.run(argv, timeout=timeout)).stdout.strip()

    async def run(
        self,
        argv: tuple[str, ...],
        *,
        timeout: float = 30.0,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> Completed:
        """See Host."""
        try:
            return await run_program(argv, timeout=timeout, env=env, root=self._root, cwd=cwd)
        except FileNotFoundError as cause:
            raise CannotLook(f"there is no program {argv[0]}") from cause
        except OSError as cause:
            raise CannotLook(f"{argv[0]} cannot be started: {cause.strerror}") from cause
        except TimeoutError as cause:
            raise CannotLook(f"{argv[0]} took longer than {timeout:.0f} s") from cause

    async def stat(self, path: str) -> FileStat | None:
        """See Host."""
        try:
            with parent_of(self._root, path) as (folder, name):
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError as cause:
            _require_absent(cause, path)
            return None
        kinds = ((modes.S_ISREG, "file"), (modes.S_ISDIR, "directory"), (modes.S_ISLNK, "link"))
        kind = next((name for test, name in kinds if test(found.st_mode)), "other")
        return FileStat(
            type=kind,  # type: ignore[arg-type]  # the names above are the literal's
            mode=modes.S_IMODE(found.st_mode),
            owner=user_name(found.st_uid),
            group=group_name(found.st_gid),
            size=found.st_size,
        )

    async def read(self, path: str, limit: int = 1 << 20) -> bytes | None:
        """See Host."""
        try:
            with parent_of(self._root, path) as (folder, name), os.fdopen(
                os.open(name, READ, dir_fd=folder), "rb"
            ) as file:
                data = file.read(limit + 1)
        except OSError as cause:
            _require_absent(cause, path)
            return None
        if len(data) > limit:
            raise CannotLook(f"{path} is larger than {limit} bytes")
        return data

    async def digest(self, path: str) -> str | None:
        """See Host."""
        return await asyncio.to_thread(self._digest, path)

    async def user(self, name: str) -> UserEntry | None:
        """See Host. Local accounts; `locked` is an account that has expired (shadow(5), field 8)."""
        return await user_entry(self.read, name, int(time.time() // 86_400))

    async def secret(self, name: str) -> bytes | None:
        """See Host. What came sealed for this device; else a file of root's alone under /etc/guru/secrets."""
        if (value := self._sealed(name)) is not None:
            return value
        path = f"{SECRETS}/{name}"
        stat = await self.stat(path)
        if stat is None:
            return None
        if stat.type != "file" or stat.owner != "root" or stat.mode & 0o077:
            raise CannotLook(f"{path} is not a file that only root can read", hint=f"chmod 0600 {path}")
        return await self.read(path, 64 << 10)

    async def now(self) -> int:
        """See Host."""
        return time.time_ns() // 1_000_000

    async def cpu_percent(self) -> float:
        """See Host. Whoever asks again within a second gets the same: the share of a moment is a guess."""
        now = time.monotonic()
        if now - self._busy_at >= SHORTEST:
            self._busy, self._busy_at = float(psutil.cpu_percent(None)), now
        return self._busy

    async def memory(self) -> Space:
        """See Host."""
        found = psutil.virtual_memory()
        return Space(total=found.total, free=found.available)

    async def space(self, path: str) -> Space | None:
        """See Host."""
        try:
            with parent_of(self._root, path) as (folder, name):
                inner = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
                try:
                    found = os.fstatvfs(inner)
                finally:
                    os.close(inner)
        except OSError as cause:
            _require_absent(cause, path)
            return None
        total, block = found.f_blocks * found.f_frsize, found.f_frsize
        return Space(total, found.f_bavail * block, max(0, found.f_bfree - found.f_bavail) * block)

    async def processes(self) -> tuple[ProcessEntry, ...]:
        """See Host."""
        return await asyncio.to_thread(_processes)

    async def connect(self, address: str, port: int, timeout: float) -> float | None:
        """See Host."""
        return await self._reach.connect(address, port, timeout)

    async def get(self, url: str, *, timeout: float, limit: int, verify: bool = True) -> HttpAnswer | None:
        """See Host."""
        return await self._reach.get(url, timeout=timeout, limit=limit, verify=verify)

    def _digest(self, path: str) -> str | None:
        try:
            with parent_of(self._root, path) as (folder, name), os.fdopen(
                os.open(name, READ, dir_fd=folder), "rb"
            ) as file:
                return _digest_of(file, path)
        except OSError as cause:
            _require_absent(cause, path)
            return None


def _digest_of(file: BinaryIO, path: str) -> str:
    digest, left = hashlib.sha256(), MAX_ASSET
    while piece := file.read(PIECE):
        left -= len(piece)
        if left < 0:                    # nothing that a bundle carries is so large: it may have no end
            raise CannotLook(f"{path} is larger than {MAX_ASSET} bytes")
        digest.update(piece)
    return digest.hexdigest()


def _require_absent(cause: OSError, path: str) -> None:
    """Return for what is not there; CannotLook for what could not be looked at."""
    if cause.errno in ABSENT:
        return
    if cause.errno == errno.ELOOP:
        raise CannotLook(f"{path} goes through a symbolic link, which is not followed") from cause
    raise CannotLook(f"{path} cannot be read: {cause.strerror}") from cause


def _processes() -> tuple[ProcessEntry, ...]:
    found = []
    for process in psutil.process_iter(["pid", "name", "cmdline", "username"]):
        info = process.info
        command = " ".join(info["cmdline"] or ())[:4096]
        found.append(ProcessEntry(info["pid"], info["name"] or "", command, info["username"] or ""))
    return tuple(found)
