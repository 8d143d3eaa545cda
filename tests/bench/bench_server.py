"""What an empty server takes: memory, and processor time while nobody asks it anything."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.figures import Figure
from tests.bench.measuring import Span, memory
from tests.bench.sizes import Size
from tools.lab.world import World

BUDGET = 120.0                          # MB
FLEET = "apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: empty}\nspec: {}\n"


def child_of(pid: int) -> int:
    """The one child of a process (proc(5))."""
    found = [file.read_text().split() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    return int(next(one for pids in found for one in pids))


def run(size: Size) -> list[Figure]:
    """A server with an empty fleet repository, after its first sync and one question."""
    with TemporaryDirectory(prefix="guru-bench-") as folder:
        world = World(Path(folder))
        seed = Path(folder) / "seed"
        seed.mkdir()
        (seed / "fleet.yaml").write_text(FLEET)
        world.remote.create(seed)
        world.prepare()
        try:
            world.start_server()
            world.sign_in()
            world.guru("sync")
            pid = world.server.pid
            with Span(pid) as idle:
                time.sleep(size.settle)
            found = memory(pid)
            signer = memory(child_of(pid))
        finally:
            world.stop()
    share = 100 * idle.cpu / idle.wall
    return [
        Figure("empty server with its signer, proportional", found.proportional + signer.proportional, "MB", BUDGET),
        Figure("empty server, resident", found.resident, "MB"),
        Figure("its signer, resident; what both share counts twice", signer.resident, "MB"),
        Figure("empty server, share of a processor at a poll a second", share, "%"),
    ]
