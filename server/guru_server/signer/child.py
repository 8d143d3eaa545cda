"""The server's own signer: a process that it starts, watches and ends. Keys go nowhere near this one."""

from __future__ import annotations

import asyncio
import contextlib
import select
import subprocess
import sys
from collections.abc import Sequence

from guru_policy.errors import GuruError

READY_SECONDS = 60.0                    # a machine may be busy with other things
LOOK = 0.5                              # seconds between two looks whether it lives
STOP_SECONDS = 2.0


class Child:
    """One signer process at a time. `arguments` are those of guru_server.signer.process."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._argv = [sys.executable, "-m", "guru_server.signer.process", *arguments, "--with-parent"]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that was started last."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it; it may not be ready yet."""
        # Its own session: a Ctrl-C in the terminal ends the server, which then ends the signer.
        self._process = subprocess.Popen(
            self._argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )

    def ready(self) -> None:
        """Wait until it hears; GuruError when it ended instead, and what it said stands on stderr."""
        process = self._process
        if process is None or process.stdout is None:
            raise GuruError("the signer was not started")
        found, _, _ = select.select([process.stdout], [], [], READY_SECONDS)
        if not found or process.stdout.readline() != b"ready\n":
            self.stop()
            raise GuruError("the signer did not start", hint="its reason is the line above, or in the log")

    async def run(self) -> None:
        """Watch it, for the supervisor: starts it when it is not there, and raises when it ends."""
        if self._process is None or self._process.poll() is not None:
            self.start()
            await asyncio.to_thread(self.ready)
        process = self._process
        while process is not None and process.poll() is None:   # noqa: ASYNC110 - of a process, no event says it
            await asyncio.sleep(LOOK)
        raise GuruError("the signer ended; it is started again, and nothing is signed until then")

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is None:
            return
        for end in (process.stdin, process.stdout):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.close()
        try:
            process.terminate()
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
