"""How long a person waits for the command line: whole processes, in turn with `python -c pass`."""

from __future__ import annotations

import shlex
import sys

from gurucli.completion_scripts import script
from tests.bench.figures import Figure
from tests.bench.measuring import Command, paired
from tests.bench.sizes import Size
from tests.bench.stage import server_of
from tools.lab.world import BIN, World

BUDGETS = {                             # ms; DESIGN section 8
    "guru --help": 100.0,
    "guru whoami": 200.0,
    "guru device list": 200.0,
    "TAB completion": 30.0,
    "guru validate": 2000.0,
}


def run(size: Size) -> list[Figure]:
    """Medians; the reference of each is a Python that does nothing."""
    with server_of(size) as world:
        return measured(world, size)


def measured(world: World, size: Size) -> list[Figure]:
    """The same on a server that runs."""
    guru = str(BIN / "guru")
    world.guru("device", "list")            # TAB offers the names that were seen
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "guru --help": [guru, "--help"],
        "guru whoami": [guru, "whoami"],
        "guru device list": [guru, "device", "list"],
        "TAB completion": [*_completion(), "bash", "3", "guru", "device", "show", "pc1"],
        "guru validate": [guru, "validate", str(world.remote.work)],
    }
    found = paired(commands, world.guru_env(), size.runs)
    more = {
        "guru device list": f" of {size.devices:,}", "TAB completion": f" over {size.devices:,} names",
        "guru validate": f" of {size.files:,} files, cold",
    }
    nothing = found["python -c pass"].wall * 1000
    return [_figure(name + more.get(name, ""), one, BUDGETS.get(name), nothing) for name, one in found.items()]


def _figure(what: str, one: Command, budget: float | None, nothing: float) -> Figure:
    return Figure(
        what, one.wall * 1000, "ms", budget, cpu=one.cpu * 1000, others=one.others,
        reference=nothing if budget else None,
    )


def _completion() -> list[str]:
    """What the bash script runs for every TAB."""
    line = next(line for line in script("bash").splitlines() if "answer=$(" in line)
    return shlex.split(line.partition("$(")[2].partition(" bash ")[0])
