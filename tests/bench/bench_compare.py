"""The same question to real agents of GuruRMM, to as many Salt minions and to Ansible, in turn on one machine.

All of them run at the same time, so that a busy moment meets them alike. The others are installed for this alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from gurucli.client import Client
from tests.bench import bench_jobs
from tests.bench.figures import Figure
from tests.bench.rival_answers import of_ansible, of_query, of_run
from tests.bench.rivals import Answered, Question, Salt, ansible, asked, had, quiet, salt
from tests.bench.sizes import Size
from tests.bench.stage import linked, office
from tools.lab.world import BIN, World

MOST = 3                                # times that each is asked: on a busy machine they take many seconds
FASTER = 20.0                           # times; DESIGN section 10
OURS, SALT, ANSIBLE = "guru", "salt", "ansible"
TRUE, KERNEL = "/bin/true", "the kernel's version"
Asking = Mapping[str, tuple[Question, list[int]]]       # by program, with the sessions of its servers and agents


def run(size: Size) -> list[Figure]:
    """Whole commands, then ours and Salt's without the start of their commands."""
    names = [f"pc-{number:02d}" for number in range(size.rivals)]
    with TemporaryDirectory(prefix="guru-vs-") as place, ExitStack() as stack:
        folder = Path(place)
        kept = Path(size.programs) if size.programs else folder
        salts, ansibles = had("salt", "salt", kept), had("ansible-core", "ansible", kept)
        world = office(folder / "g")
        stack.callback(world.stop)
        for agent in [world.enrol(name, "acme", "hq") for name in names]:
            world.start_agent(agent)
        linked(world, len(names), size.converge_limit)
        minions = stack.enter_context(salt(salts, folder / "s", names)) if salts else None
        by_hand = ansible(ansibles, folder / "a", names) if ansibles else None
        quiet([child.pid for child in world.children.values()] + (minions.sessions if minions else []))
        figures, runs = list[Figure](), min(MOST, size.runs)
        for what, (ours, grains, module) in _questions(world, len(names)).items():
            asking = {OURS: (ours, [child.pid for child in world.children.values()])}
            if minions:
                asking[SALT] = (minions.question(*grains), minions.sessions)
            if by_hand:
                asking[ANSIBLE] = (by_hand(of_ansible, *module), [])
            figures += _figures(f"{what} of {len(names)}", _in_turn(asking, names, runs))
        if minions:
            figures += _called(world, minions, len(names), runs)
        return figures


def _questions(world: World, count: int) -> dict[str, tuple[Question, Sequence[str], Sequence[str]]]:
    """What is asked: our command, Salt's function with its arguments, Ansible's module with its own."""
    guru, all_of_them, env = str(BIN / "guru"), ("-l", "customer=acme", "-o", "ndjson"), world.guru_env()
    many = ("--yes", "--max-devices", str(count))
    return {
        TRUE: (
            Question([guru, "run", *all_of_them, *many, "--", TRUE], of_run, env),
            ("cmd.run", TRUE), ("-m", "command", "-a", TRUE),
        ),
        KERNEL: (
            Question([guru, "query", *all_of_them, "select version from kernel"], of_query, env),
            ("grains.item", "kernelrelease"),
            ("-m", "setup", "-a", "filter=ansible_kernel gather_subset=!all,!min,platform"),
        ),
    }


def _in_turn(asking: Asking, names: Sequence[str], runs: int) -> dict[str, Answered]:
    """Medians; one round more before them is not counted."""
    found: dict[str, list[Answered]] = {program: [] for program in asking}
    for turn in range(runs + 1):
        for program, (question, sessions) in asking.items():
            once = asked(question, names, sessions)
            if turn:
                found[program].append(once)
    return {program: _median(times) for program, times in found.items()}


def _figures(what: str, found: Mapping[str, Answered]) -> list[Figure]:
    """First and last answer of each program; the reference is ours."""
    ours = found[OURS]
    return [
        figure
        for program, one in found.items()
        for figure in (
            Figure(f"{program}: {what}, first answer", one.first * 1000, "ms",
                   reference=None if program == OURS else ours.first * 1000),
            Figure(f"{program}: {what}, last answer", one.last * 1000, "ms", cpu=one.cpu * 1000, others=one.others,
                   reference=None if program == OURS else ours.last * 1000),
        )
    ]


def _called(world: World, minions: Salt, count: int, runs: int) -> list[Figure]:
    """`true` without the start of a command: through our API, and through Salt's client library."""
    ours: list[Answered] = []
    theirs: list[Answered] = []
    with Client(world.url, world.token, ca=(world.keys / "ca.crt").read_text()) as client:
        bench_jobs.ask(world, client, "customer=acme", count)
        for _ in range(runs):
            ours.append(Answered(*bench_jobs.ask(world, client, "customer=acme", count)))
            theirs += minions.called(1)
    mine, salts = _median(ours), _median(theirs)
    return [
        Figure(f"our API: true on {count}, last answer", mine.last * 1000, "ms", cpu=mine.cpu * 1000,
               others=mine.others),
        Figure(f"Salt's library: {TRUE} on {count}, last answer", salts.last * 1000, "ms",
               reference=mine.last * 1000),
        Figure("Salt's library over our API", salts.last / mine.last, "times", FASTER, at_least=True),
    ]


def _median(times: Sequence[Answered]) -> Answered:
    return Answered(*(median(column) for column in zip(*times, strict=True)))
