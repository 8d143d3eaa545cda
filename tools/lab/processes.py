"""Child processes that never outlive the program that started them. Output goes to a file, never a pipe."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.lab import nursery
from tools.lab.dying import die_with_parent


class Child:
    """One started program, its own process group, its output in `log`.

    It ends with the thread that started it (prctl(2)), so start it from one that lasts.
    """

    def __init__(self, argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.argv, self.log = tuple(argv), log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as sink:
            self._process = nursery.started(self.argv, env or {}, sink, sink) or subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                preexec_fn=die_with_parent,     # noqa: PLW1509 - one prctl
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code; minus the signal when one ended it; None while it runs."""
        return self._process.poll()

    def output(self) -> str:
        """Everything it printed so far."""
        return self.log.read_text(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; a group that is gone is fine."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.signal(signal.SIGKILL)
        self._process.wait(timeout=10)

    def stop(self, timeout: float = 10.0) -> None:
        """SIGTERM, wait `timeout` seconds, then SIGKILL."""
        if self.running:
            self.signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def wait(self, timeout: float) -> int:
        """The exit code; subprocess.TimeoutExpired after `timeout` seconds."""
        return self._process.wait(timeout=timeout)


def finished(argv: Sequence[str], env: Mapping[str, str], timeout: float) -> tuple[int, str, str]:
    """Run a program with these variables besides this process's: its exit code, and what it said on 1 and 2.

    Raises subprocess.TimeoutExpired after `timeout` seconds, once the program has been killed.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = nursery.started(argv, env, out, err) or subprocess.Popen(
            argv, env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)
            raise
        said = [file.seek(0) or file.read().decode() for file in (out, err)]
        return code, said[0], said[1]
