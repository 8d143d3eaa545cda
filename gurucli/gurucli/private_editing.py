"""A value in a person's editor: in a folder of memory when there is one, for nobody else, and wiped afterwards."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guru_policy.errors import GuruError, UsageWrong
from gurucli.environment import Environment

HOURS = 12 * 3600.0                     # an editor that is open longer was forgotten
MEMORY = "/dev/shm"                     # noqa: S108 - a tmpfs (tmpfs(5)): it is gone with the power
MOST = 1 << 20                          # bytes that are read back


def edited(value: bytes, name: str, environment: Environment) -> bytes:
    """The value as it is after the editor closed. GuruError when the editor failed: then nothing has changed."""
    command = shlex.split(environment.editor) if environment.editor else _some_editor()
    with _private_folder(environment) as folder:
        file = folder / name
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as writing:
            writing.write(value)
        try:
            done = subprocess.run([*command, str(file)], check=False, timeout=HOURS)
        except OSError as cause:
            raise GuruError(f"the editor {command[0]} cannot be started: {cause.strerror}", hint=_HINT) from cause
        except subprocess.TimeoutExpired as cause:
            raise GuruError("the editor was open for 12 hours; nothing was changed") from cause
        if done.returncode:
            raise GuruError(f"the editor ended with {done.returncode}; nothing was changed")
        with file.open("rb") as reading:
            text = reading.read(MOST)
    added = text == value + b"\n" and not value.endswith(b"\n")        # editors end the last line
    return value if added else text


_HINT = "name one in EDITOR, or give the value with --from-file"


def _some_editor() -> list[str]:
    for program in ("sensible-editor", "nano", "vi"):
        if shutil.which(program):
            return [program]
    raise UsageWrong("there is no editor here", hint=_HINT)


@contextmanager
def _private_folder(environment: Environment) -> Iterator[Path]:
    """A folder that only its owner can enter. Whatever an editor leaves in it is overwritten and removed."""
    place = next((one for one in (environment.runtime, MEMORY) if one and os.access(one, os.W_OK | os.X_OK)), None)
    folder = Path(tempfile.mkdtemp(prefix="guru-", dir=place))          # made with mode 0700
    try:
        yield folder
    finally:
        for file in folder.rglob("*"):
            if file.is_file() and not file.is_symlink():
                _overwrite(file)
        shutil.rmtree(folder, ignore_errors=True)


def _overwrite(file: Path) -> None:
    try:
        with file.open("r+b") as writing:
            writing.write(b"\0" * file.stat().st_size)
            writing.flush()
            os.fsync(writing.fileno())
    except OSError:
        return                          # it is removed all the same
