"""Carries out steps: the only writer on a machine. It never decides what should be done.

A file is written beside its place and renamed over it, so that kill -9, a full disk or a lost power leaves
the old file or the new one. Paths are walked as guru_agent.host.rooted does: no user's link leads elsewhere.
"""

from __future__ import annotations

import asyncio
import errno
import grp
import os
import pwd
import secrets
import shutil
import stat as modes
from collections.abc import Callable
from pathlib import Path

from guru_agent.backups import MAX_SIZE, Backups
from guru_agent.host.programs import run_program
from guru_agent.host.rooted import make_parents, only_root_writes, parent_of
from guru_policy.errors import StepFailed
from guru_policy.steps import Execute, MakeDirectory, Remove, SetAttributes, Step, Unpack, WriteFile

NEW_FILE, NEW_FOLDER = 0o644, 0o755
FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Executor:
    """`root` is a sandbox in front of every path; `blobs` gives the bytes of a bundle's file by digest."""

    def __init__(self, root: Path | None, backups: Path, blobs: Callable[[str], bytes]) -> None:
        self._root, self._backups, self._blobs = root, Backups(backups), blobs

    async def execute(self, step: Step) -> None:
        """Return when the step is done; StepFailed with a sentence when not."""
        try:
            if isinstance(step, Execute):
                await self._run(step)
            else:
                await asyncio.to_thread(self._touch, step)
        except OSError as cause:
            raise StepFailed(f"could not {step}: {_reason(cause)}") from cause

    def _touch(self, step: WriteFile | MakeDirectory | SetAttributes | Remove | Unpack) -> None:
        if isinstance(step, WriteFile):
            self._write(step)
        elif isinstance(step, MakeDirectory):
            self._make(step)
        elif isinstance(step, SetAttributes):
            with parent_of(self._root, step.path) as (folder, name):
                _set(name, folder, step.mode, _ids(step.owner, step.group))
        elif isinstance(step, Unpack):
            self._unpack(step)
        else:
            self._remove(step)

    def _write(self, step: WriteFile) -> None:
        content = self._blobs(step.digest) if step.digest is not None else step.content or b""
        ids = _ids(step.owner, step.group)
        make_parents(self._root, step.path)
        with parent_of(self._root, step.path) as (folder, name):
            old = _stat(name, folder)
            if old is not None and modes.S_ISDIR(old.st_mode):
                raise StepFailed(f"could not {step}: a directory stands there")
            if old is not None and modes.S_ISREG(old.st_mode):
                if step.backup:
                    self._keep(step.path, name, folder)
                ids = (ids[0] if step.owner else old.st_uid, ids[1] if step.group else old.st_gid)
            kept = modes.S_IMODE(old.st_mode) if old is not None and modes.S_ISREG(old.st_mode) else NEW_FILE
            _replace(name, folder, content, step.mode if step.mode is not None else kept, ids)

    def _make(self, step: MakeDirectory) -> None:
        ids = _ids(step.owner, step.group)
        make_parents(self._root, step.path)
        with parent_of(self._root, step.path) as (folder, name):
            os.mkdir(name, NEW_FOLDER, dir_fd=folder)
            _set(name, folder, step.mode, ids, os.O_DIRECTORY)
            os.fsync(folder)

    def _remove(self, step: Remove) -> None:
        with parent_of(self._root, step.path) as (folder, name):
            found = _stat(name, folder)
            if found is None:
                return
            if modes.S_ISDIR(found.st_mode):
                if step.recursive:
                    shutil.rmtree(name, dir_fd=folder)
                else:
                    os.rmdir(name, dir_fd=folder)
            else:
                if step.backup and modes.S_ISREG(found.st_mode):
                    self._keep(step.path, name, folder)
                os.unlink(name, dir_fd=folder)
            os.fsync(folder)

    def _unpack(self, step: Unpack) -> None:
        from guru_agent.unpacking import unpack  # 0.6 MB of archive modules, for the few that unpack anything

        ids = _ids(step.owner, step.group)
        data = self._blobs(step.digest)
        make_parents(self._root, step.path)
        with parent_of(self._root, step.path) as (folder, name):
            unpack(data, step, folder, name, ids)

    def _keep(self, path: str, name: str, folder: int) -> None:
        with os.fdopen(os.open(name, LOOK, dir_fd=folder), "rb") as file:
            content = file.read(MAX_SIZE + 1)
        self._backups.keep(path, content)

    async def _run(self, step: Execute) -> None:
        if self._root is not None and step.system:
            raise StepFailed(
                f"did not {step}: it changes the whole machine, and this agent has a sandbox root"
            )
        try:
            done = await run_program(
                step.argv, timeout=step.timeout, env=dict(step.env), root=self._root, cwd=step.cwd,
                stdin=step.stdin,
            )
        except TimeoutError as cause:
            raise StepFailed(f"could not {step}: not done after {step.timeout:.0f} s") from cause
        if done.exit_code != 0 and step.required:
            said = (done.stderr.strip() or done.stdout.strip())[-300:]
            raise StepFailed(f"could not {step}: exit code {done.exit_code}" + (f": {said}" if said else ""))


def _replace(name: str, folder: int, content: bytes, mode: int, ids: tuple[int, int]) -> None:
    """The new content under a name of its own, on disk, then renamed over the old."""
    temporary = f".guru-{secrets.token_hex(12)}"       # the name itself may leave no room for more
    descriptor = os.open(temporary, FRESH, 0o600, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchown(file.fileno(), *ids)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)


def _set(name: str, folder: int, mode: int | None, ids: tuple[int, int], also: int = 0) -> None:
    descriptor = os.open(name, LOOK | also, dir_fd=folder)
    try:
        found = os.fstat(descriptor)
        if modes.S_ISREG(found.st_mode) and found.st_nlink > 1 and not only_root_writes(folder):
            raise StepFailed("it is a second name of a file, in a folder where others than root can write")
        if ids != (-1, -1):
            os.fchown(descriptor, *ids)
        if mode is not None:
            os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def _stat(name: str, folder: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _ids(owner: str | None, group: str | None) -> tuple[int, int]:
    """Numbers for chown(2); -1 leaves one as it is. StepFailed when there is no such user or group."""
    try:
        uid = -1 if owner is None else pwd.getpwnam(owner).pw_uid
        gid = -1 if group is None else grp.getgrnam(group).gr_gid
    except KeyError as cause:
        raise StepFailed(f"there is no user or group of that name: {cause.args[0]}") from cause
    return uid, gid


def _reason(cause: OSError) -> str:
    if cause.errno in (errno.ELOOP, errno.ENOTDIR):
        return "the path goes through something that is no directory, or a symbolic link"
    return cause.strerror or type(cause).__name__
