"""A throw-away machine: this one's files under overlays, a network of its own. `unshare` starts it.

It reads a story (blobs, and what to do, one thing after the other) on standard input and prints an answer to each.
Resources go through the agent's own Host and Executor. What it writes is in memory and ends with the process.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from guru_agent.executor import Executor
from guru_agent.host.linux import LinuxHost
from guru_policy.errors import GuruError
from guru_policy.resources import RESOURCES

FOLDERS = ("/etc", "/var", "/home", "/opt", "/srv", "/usr")
Action = dict[str, Any]


def shell(*argv: str) -> None:
    """Run a program that must succeed."""
    subprocess.run(argv, check=True, timeout=30, capture_output=True)


def prepare() -> None:
    """Memory over the folders that resources write to, and a loopback that is up."""
    memory = "/mnt"                     # of this process alone: nothing is left behind
    shell("mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", memory)
    for folder in FOLDERS:
        upper, work = Path(memory, folder[1:], "upper"), Path(memory, folder[1:], "work")
        upper.mkdir(parents=True)
        work.mkdir()
        options = f"lowerdir={folder},upperdir={upper},workdir={work}"
        shell("mount", "-t", "overlay", "-o", options, "overlay", folder)
    shell("ip", "link", "set", "lo", "up")


class World:
    """The agent's eyes and hands on this machine."""

    def __init__(self, blobs: dict[str, str]) -> None:
        self.blobs = {digest: base64.b64decode(data) for digest, data in blobs.items()}
        self.host = LinuxHost()
        self.executor = Executor(None, Path("/var/guru-backups"), self.blobs.__getitem__)

    async def do(self, action: Action) -> Any:
        """The answer to one action."""
        if "converge" in action:
            return await self.converge(action["converge"])
        if "run" in action:
            done = subprocess.run(action["run"], capture_output=True, text=True, timeout=120)
            return {"exit": done.returncode, "out": done.stdout, "err": done.stderr}
        path = Path(action["path"])
        if "write" in action:
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.write_text(action["write"])
        return path.read_text() if path.is_file() else None

    async def converge(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Probe, plan, carry out, and look once more; `error` tells where that ended too early."""
        answer: dict[str, Any] = {"steps": [], "left": [], "error": ""}
        try:
            resource = RESOURCES[spec["kind"]].model_validate_json(json.dumps(spec))
            for step in list(resource.plan(await resource.probe(self.host))):
                answer["steps"].append(str(step))
                await self.executor.execute(step)
            answer["left"] = [str(step) for step in resource.plan(await resource.probe(self.host))]
        except GuruError as error:
            answer["error"] = error.message
        return answer


async def main() -> None:
    story = json.load(sys.stdin)
    prepare()
    world = World(story["blobs"])
    json.dump([await world.do(action) for action in story["actions"]], sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
