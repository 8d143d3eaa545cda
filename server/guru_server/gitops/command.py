"""A git command in its own process group, bounded in time and size; it never sees anybody's configuration."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from subprocess import DEVNULL, Popen
from tempfile import TemporaryFile
from typing import NamedTuple, Self

from guru_policy.errors import DeadlinePassed, GuruError, InputInvalid, Unsupported

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MAX_OUTPUT = 64 << 20                   # bytes
_MAX_STDERR = 16 << 10
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")
_USERINFO = re.compile(r"(?<=://)[^/@\s]*@")

# Set for every git process, by environment: it reaches the processes that git starts, too.
CONFIG: Mapping[str, str] = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "credential.helper": "",
    "fetch.fsckObjects": "true",
    "fetch.recurseSubmodules": "false",
    "fetch.writeCommitGraph": "false",
    "gc.auto": "0",
    "http.lowSpeedLimit": "500",
    "http.lowSpeedTime": "30",
    "i18n.logOutputEncoding": "UTF-8",
    "log.showSignature": "false",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "transfer.fsckObjects": "true",
}


class Finished(NamedTuple):
    """How a git command ended. `stderr` is one line, safe to show."""

    exit_code: int
    stdout: bytes
    stderr: str


def environment(repository: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a git process that works on the bare `repository`."""
    env = {
        "PATH": PATH,
        "LC_ALL": "C.UTF-8",
        "HOME": str(repository.parent),
        "GIT_DIR": str(repository),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CONFIG_COUNT": str(len(CONFIG)),
    }
    for number, (key, value) in enumerate(CONFIG.items()):
        env[f"GIT_CONFIG_KEY_{number}"], env[f"GIT_CONFIG_VALUE_{number}"] = key, value
    return env | dict(extra or {})


async def git(
    *arguments: str,
    env: Mapping[str, str],
    cwd: Path,
    timeout: float = 60.0,
    limit: int = MAX_OUTPUT,
    max_file: int | None = None,
    stdin: bytes = b"",
) -> Finished:
    """Run `git arguments...`; `limit` bounds what it may say, `max_file` each file it may write, in bytes.

    Raises DeadlinePassed after `timeout` seconds, InputInvalid when it says more than `limit` and
    Unsupported when there is no git. Whatever ends it, nothing of its process group is left.
    """
    with Ends() as ends:
        process = _started(arguments, env, cwd, stdin, ends)
        try:
            if max_file is not None:
                _bound_files(process.pid, max_file)
            async with asyncio.timeout(timeout):
                return await _heard(process, ends, limit, arguments)
        except TimeoutError as cause:
            raise DeadlinePassed(f"git {arguments[0]} did not end within {timeout:g} seconds") from cause
        finally:
            await _end(process)


class Ends:
    """Where git's output and errors are read: `out` and `err` are ours, `its_out` and `its_err` are git's.

    They are sockets and no pipes: uvloop closes a pipe's number twice, and in between another thread may have opened
    a file that got the number. A socket it detaches first.
    """

    def __init__(self) -> None:
        self.out, self.its_out = socket.socketpair()
        self.err, self.its_err = socket.socketpair()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self.out, self.its_out, self.err, self.its_err):
            one.close()

    def started(self) -> None:
        """Git holds its ends by itself, and when it closes them, that is the end."""
        self.its_out.close()
        self.its_err.close()


def _started(
    arguments: Sequence[str], env: Mapping[str, str], cwd: Path, stdin: bytes, ends: Ends
) -> Popen[bytes]:
    """The process. Python's own start shares memory with the child until it is git; the event loop's copies the
    page tables of the whole server first: 8 ms for each of a push's 20 commands at 250 MB.
    """
    try:
        with TemporaryFile() if stdin else nullcontext() as file:
            if file is not None:        # what it reads, whole: nobody has to feed it
                file.write(stdin)
                file.seek(0)
            process = Popen(
                ["git", *arguments], cwd=cwd, env=dict(env), stdin=file or DEVNULL, stdout=ends.its_out.fileno(),
                stderr=ends.its_err.fileno(), start_new_session=True,
            )
    except FileNotFoundError as cause:
        raise Unsupported("git is not installed on the server", hint="apt install git") from cause
    ends.started()
    return process


async def _heard(process: Popen[bytes], ends: Ends, limit: int, arguments: Sequence[str]) -> Finished:
    async with _reader(ends.out) as out, _reader(ends.err) as err:
        errors = asyncio.create_task(_tail(err))
        try:
            said = bytearray()
            while block := await out.read(1 << 16):
                said += block
                if len(said) > limit:
                    raise InputInvalid(f"git {arguments[0]} said more than {limit} bytes")
            told = await errors
            return Finished(await asyncio.to_thread(process.wait), bytes(said), one_line(told))
        finally:
            errors.cancel()


@asynccontextmanager
async def _reader(end: socket.socket) -> AsyncIterator[asyncio.StreamReader]:
    """What arrives at this end; it is closed after that."""
    reader, writer = await asyncio.open_unix_connection(sock=end)
    try:
        yield reader
    finally:
        writer.close()


async def _tail(stream: asyncio.StreamReader) -> bytes:
    kept = b""
    while block := await stream.read(4096):
        kept = (kept + block)[-_MAX_STDERR:]
    return kept


async def _end(process: Popen[bytes]) -> None:
    if process.returncode is not None:
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass                            # it ended between the two lines
    await asyncio.shield(asyncio.to_thread(process.wait))


def _bound_files(pid: int, size: int) -> None:
    try:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, size))
    except (ProcessLookupError, PermissionError, AttributeError):
        pass                            # gone already, or a system without prlimit(2)


def one_line(text: bytes | str, limit: int = 300) -> str:
    """What a program said as one line that is safe to log and show: no controls, no user names in URLs."""
    line = text.decode(errors="replace") if isinstance(text, bytes) else text
    return " ".join(_USERINFO.sub("", _CONTROLS.sub(" ", line)).split())[:limit]


def failed(what: str, finished: Finished) -> GuruError:
    """The error for a git command that ended badly."""
    return GuruError(f"{what}: {finished.stderr or f'git ended with {finished.exit_code}'}")
