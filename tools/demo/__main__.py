"""`make demo`: run the story in .demo/, then keep everything running until Ctrl-C (or end, with --once)."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.demo.stage import Stage
from tools.demo.story import REAL, SIMULATED, Story, empty, stand
from tools.lab.inbox import Inbox
from tools.lab.world import Failed, World

FOLDER = Path(__file__).parents[2] / ".demo"
LOCK = "lock"
NEXT = (
    ("today", "what wants your eye; `top` is the same on one live screen"),
    ("status", "what is in force, and is everybody well?"),
    ("device list", "everyone; -l git/ring=canary for some, -o json for a program"),
    (f"device show {REAL}", "checks, the newest run, what was corrected"),
    (f"explain {REAL} checks.disk.warning", "file and line behind a value, and whom it overrode"),
    (f"run {REAL} -- uname -a", "a command, there and now"),
    (f'query "select name, pid, rss from processes order by rss desc limit 5" {REAL}', "the machine, asked in SQL"),
    (f"override set {REAL} checks.disk.warning=70% --ttl 1h --reason test", "not as Git says, for an hour"),
    ("alert list --state all", "the alert that came and went"),
    ("audit list", "who did what; `audit verify` proves that nobody altered it"),
    ("doctor", "what would be wrong if something were"),
)


def main() -> int:
    """0 when every step did what it promises; 1 with the reason when not."""
    flags = argparse.ArgumentParser(prog="make demo", description=__doc__)
    flags.add_argument("--once", action="store_true", help="end after the last step")
    flags.add_argument("--devices", type=int, default=SIMULATED, metavar="N", help="simulated devices (%(default)s)")
    flags.add_argument("--folder", type=Path, default=FOLDER, help="where everything is made (%(default)s)")
    asked = flags.parse_args()
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        with _alone(asked.folder.absolute()):
            return _perform(asked.folder.absolute(), asked.devices, once=asked.once)
    except Failed as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1


def _perform(folder: Path, devices: int, *, once: bool) -> int:
    empty(folder, keep=LOCK)
    stage, world, inbox = Stage(), World(folder), Inbox(folder / "inbox.ndjson")
    inbox.start()
    try:
        Story(world, inbox, stage, devices).tell()
        if not once:
            _farewell(stage, world)
            stand(world)
    except (Failed, subprocess.SubprocessError, OSError) as failure:
        print(f"error: {failure}\nhint: the logs are in {folder / 'logs'}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        stage.say("\nstopping every process")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)        # a second Ctrl-C must not leave one behind
        world.stop()
        inbox.stop()
    return 0


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder; Failed when another demo does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as cause:
            lock.seek(0)
            running = f"a demo runs in {folder} already (process {lock.read(20).strip() or '?'})"
            raise Failed(f"{running}\nhint: end it with Ctrl-C in its own shell") from cause
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _farewell(stage: Stage, world: World) -> None:
    guru = _short(world.wrapper())
    stage.title("Everything keeps running. Try in another shell, from this folder")
    for command, meaning in NEXT:
        stage.hint(f"{guru} {command}", meaning)
    work = _short(world.remote.work)
    stage.title("Change something: edit, look what it would do, push, watch it arrive")
    stage.hint(f"${{EDITOR:-vi}} {work}/org/opening-hours.yaml")
    stage.hint(f"{guru} plan {work}")
    stage.hint(f'git -C {work} commit -am "Open on Saturdays" && git -C {work} push')
    stage.hint(f"{guru} sync --wait")
    stage.title("Completion, here and now")
    stage.hint(f'alias guru="$PWD/{guru}"; source <({guru} completion bash)')
    stage.say("\nCtrl-C ends every process. The logs are in " + _short(world.folder / "logs") + ".")


def _short(path: Path) -> str:
    """The path from the current folder when it is in it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    sys.exit(main())
