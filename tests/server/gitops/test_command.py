"""A git command beside everything else that the server does at that moment."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import threading
from pathlib import Path

import uvloop

from guru_server.gitops.command import Finished, environment, git

COMMANDS = 300
FOLDERS = 300
FTW_PHYS = 1


class Walker:
    """A thread that walks folders in C, where no lock of Python's is held, and tells when one was closed under it.

    `sched_yield` is what is called for each folder: it takes no notice of its arguments and returns 0.
    """

    def __init__(self, root: Path) -> None:
        self.walks = 0
        self.lost: list[str] = []
        self._root = os.fsencode(root)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Walker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        while not self._ended.is_set():
            if libc.nftw(self._root, libc.sched_yield, 4, FTW_PHYS):
                self.lost.append(errno.errorcode[ctypes.get_errno()])
            self.walks += 1


def test_no_command_closes_what_is_somebody_else_s(tmp_path: Path) -> None:
    for number in range(FOLDERS):
        (tmp_path / f"folders/{number}").mkdir(parents=True)

    async def many() -> list[Finished]:
        env = environment(tmp_path / "none.git")
        return [await git("version", env=env, cwd=tmp_path) for _ in range(COMMANDS)]

    with Walker(tmp_path / "folders") as walker, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        ended = runner.run(many())
    assert walker.walks
    assert walker.lost == []
    assert all(one.exit_code == 0 and one.stdout.startswith(b"git version ") for one in ended)
