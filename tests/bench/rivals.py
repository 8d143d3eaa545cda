"""Salt and Ansible in throw-away environments, and one question to anybody, timed. They are no part of the product.

Everything is on loopback and below a folder of its own, and ends with the `with` that began it.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench.measuring import TICK, Span
from tests.bench.rival_answers import of_salt
from tools.lab.ports import free_port
from tools.lab.processes import Child
from tools.lab.world import wait_until

INSTALL, START, ANSWER = 240.0, 240.0, 60.0             # seconds, at most
SETTLE, BUSY = 60.0, 0.2                # seconds, at most; processors that all of them together may use
UNBUFFERED = {"PYTHONUNBUFFERED": "1"}                  # a pipe should not delay anybody's answers
CLIENT = """
import json, sys, time
from salt.client import LocalClient
client = LocalClient(sys.argv[1])
for _ in range(int(sys.argv[2])):
    began, times, names = time.perf_counter(), [], []
    for answer in client.cmd_iter("*", "cmd.run", ["/bin/true"], timeout=60):
        times.append(time.perf_counter() - began)
        names += [name for name, said in answer.items() if said.get("retcode") == 0]
    print(json.dumps({"first": times[0], "last": times[-1], "names": sorted(names)}))
"""


class Question(NamedTuple):
    """A command, what a line of its output says, and its environment."""

    argv: Sequence[str]
    read: Callable[[str], str | None]
    env: Mapping[str, str]


class Answered(NamedTuple):
    """Seconds from the start of a command to its first and last answer; processor of all who took part."""

    first: float
    last: float
    cpu: float
    others: float


def asked(question: Question, names: Collection[str], sessions: Collection[int], limit: float = ANSWER) -> Answered:
    """Ask once. `sessions` are those of the servers and agents. RuntimeError unless all `names` answered."""
    heard: dict[str, float] = {}
    before = _sessions(sessions)
    with Span() as span:
        began = time.perf_counter()
        process = subprocess.Popen(
            question.argv, env={**os.environ, **UNBUFFERED, **question.env}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        )
        alarm = threading.Timer(limit, _end, (process.pid,))
        alarm.start()
        try:
            assert process.stdout is not None
            with process.stdout as lines:
                for line in lines:
                    name = question.read(line.rstrip("\n"))
                    if name is not None:
                        heard.setdefault(name, time.perf_counter() - began)
            process.wait(limit)
        finally:
            alarm.cancel()
            _end(process.pid)
            process.wait()
    if set(heard) != set(names):
        raise RuntimeError(f"{question.argv[0]}: {len(heard)} of {len(names)} answered in {span.wall:.0f} s")
    cpu = span.cpu + _sessions(sessions) - before
    others = max(0.0, span.others - (cpu - span.cpu) / (os.cpu_count() or 1) / span.wall)
    return Answered(min(heard.values()), max(heard.values()), cpu, others)


def quiet(sessions: Collection[int]) -> None:
    """Return once these have nothing to do but wait, as after a start; or when they had time enough."""
    deadline, before = time.monotonic() + SETTLE, _sessions(sessions)
    while time.monotonic() < deadline:
        time.sleep(2.0)
        now = _sessions(sessions)
        if now - before < BUSY * 2.0:
            return
        before = now


def had(package: str, program: str, folder: Path) -> Path | None:
    """The `bin` of an environment with the package, a new one unless it is there already.

    None, and a word about it, when it could not be had.
    """
    home = folder / package
    if (home / "bin" / program).exists():
        return home / "bin"
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]
    try:
        for argv in ([sys.executable, "-m", "venv", str(home)], pip):
            subprocess.run(argv, check=True, capture_output=True, text=True, timeout=INSTALL)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        print(f"{package} could not be had: {str(said).strip()[-300:]}", file=sys.stderr, flush=True)
        return None
    return home / "bin"


class Salt:
    """A master and its minions. `sessions` are their processes'."""

    def __init__(self, programs: Path, folder: Path, names: Sequence[str]) -> None:
        self._programs, self._folder, self._names = programs, folder, names
        self._children: list[Child] = []
        self._master = folder / "m"

    @property
    def sessions(self) -> list[int]:
        """The session of each process that lasts."""
        return [child.pid for child in self._children]

    def start(self) -> None:
        """Until every minion answers."""
        publish, answers = free_port(), free_port()
        own = {"user": pwd.getpwuid(os.geteuid()).pw_name, "log_level": "error"}
        _write(self._master / "master", {
            **own, "interface": "127.0.0.1", "publish_port": publish, "ret_port": answers, "auto_accept": True,
            "root_dir": str(self._master), "sock_dir": str(self._master / "s"),
        })
        self._start("salt-master", self._master)
        for number, name in enumerate(self._names):
            home = self._folder / str(number)           # short: a path of a socket has at most 107 bytes
            _write(home / "minion", {
                **own, "id": name, "master": "127.0.0.1", "publish_port": publish, "master_port": answers,
                "root_dir": str(home), "sock_dir": str(home / "s"),
            })
            self._start("salt-minion", home)
        wait_until("every minion answers", self._whole, START, 1.0)

    def question(self, *words: str, read: Callable[[str], str | None] = of_salt) -> Question:
        """`salt '*' WORDS`, each answer on a line as it comes."""
        return Question([str(self._programs / "salt"), "-c", str(self._master), "--out=json", "--out-indent=-1",
                         "-t", "60", "*", *words], read, {})

    def called(self, times: int) -> list[Answered]:
        """`/bin/true` through Salt's client library, without the start of a command; one before is not counted."""
        argv = [str(self._programs / "python"), "-c", CLIENT, str(self._master / "master"), str(times + 1)]
        done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=ANSWER * (times + 1))
        found = [json.loads(line) for line in done.stdout.splitlines()]
        if any(one["names"] != sorted(self._names) for one in found):
            raise RuntimeError("true did not succeed on every minion")
        return [Answered(one["first"], one["last"], 0.0, 0.0) for one in found[1:]]

    def stop(self) -> None:
        """End all; minions leave nothing behind."""
        for child in self._children:
            child.signal(signal.SIGTERM)
        for child in self._children:
            child.stop()
            child.signal(signal.SIGKILL)

    def _start(self, program: str, home: Path) -> None:
        argv = [str(self._programs / program), "-c", str(home)]
        self._children.append(Child(argv, home / "log", UNBUFFERED))

    def _whole(self) -> bool:
        with contextlib.suppress(RuntimeError):
            asked(self.question("grains.item", "kernelrelease"), self._names, ())
            return True
        return False


@contextlib.contextmanager
def salt(programs: Path, folder: Path, names: Sequence[str]) -> Iterator[Salt]:
    """Running, and ended afterwards whatever comes."""
    fleet = Salt(programs, folder, names)
    try:
        fleet.start()
        yield fleet
    finally:
        fleet.stop()


def ansible(programs: Path, folder: Path, names: Sequence[str]) -> Callable[..., Question]:
    """How to ask through Ansible: as many forks as hosts, no SSH, and a Python that it need not look for."""
    folder.mkdir(parents=True, exist_ok=True)
    inventory = folder / "hosts"
    more = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    inventory.write_text("".join(f"{name} {more}\n" for name in names))
    (folder / "ansible.cfg").write_text("[defaults]\n")
    env = {"ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "HOME": str(folder), "ANSIBLE_HOME": str(folder / "home"),
           "ANSIBLE_REMOTE_TMP": str(folder / "tmp")}
    start = [str(programs / "ansible"), "--inventory", str(inventory), "--forks", str(len(names)), "--one-line", "all"]
    return lambda read, *words: Question([*start, *words], read, env)


def _write(path: Path, settings: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings))               # YAML that needs no quoting of ours


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _sessions(sessions: Collection[int]) -> float:
    """Seconds of processor that all processes of these sessions, and their ended children, used (proc(5))."""
    used = 0
    for path in Path("/proc").glob("[0-9]*/stat") if sessions else ():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = path.read_text().rpartition(")")[2].split()
            used += sum(map(int, fields[11:15])) if int(fields[3]) in sessions else 0
    return used * TICK
