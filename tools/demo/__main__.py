"""`make demo`: run the story in .demo/, then keep everything running until Ctrl-C (or end, with --once)."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tools.demo.stage import Stage
from tools.demo.story import REAL, Story, empty, stand
from tools.lab.inbox import Inbox
from tools.lab.world import BIN, Failed, World

FOLDER = Path(__file__).parents[2] / ".demo"


def main() -> int:
    """0 when every step did what it promises; 1 with the reason when not."""
    flags = argparse.ArgumentParser(prog="make demo", description=__doc__)
    flags.add_argument("--once", action="store_true", help="end after the last step")
    once = flags.parse_args().once
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    empty(FOLDER)
    stage, world, inbox = Stage(), World(FOLDER), Inbox(FOLDER / "inbox.ndjson")
    inbox.start()
    try:
        Story(world, inbox, stage).tell()
        if not once:
            _farewell(stage, world)
            stand(world)
    except Failed as failure:
        print(f"error: {failure}\nhint: the logs are in .demo/logs", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        stage.say("stopping")
    finally:
        world.stop()
        inbox.stop()
    return 0


def _farewell(stage: Stage, world: World) -> None:
    stage.say("\nEverything keeps running. In another shell, from this folder:\n")
    for name, value in world.guru_env().items():
        stage.say(f"    export {name}={value}")
    guru = BIN.relative_to(FOLDER.parent) / "guru" if BIN.is_relative_to(FOLDER.parent) else BIN / "guru"
    explain = f"explain {REAL} checks.disk-root.warning"
    for command in ("status", "device list", f"device show {REAL}", explain):
        stage.say(f"    {guru} {command}")
    stage.say("\nThe fleet repository is .demo/git/fleet: change a file, commit, push. Ctrl-C ends it all.")


if __name__ == "__main__":
    sys.exit(main())
