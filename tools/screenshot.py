"""`make screenshot`: the README's pictures, drawn from what `guru` prints on a terminal against a real fleet.

It runs the lab in a temporary folder, and writes nothing but docs/images/.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tools.demo.story import CHANGE, EXAMPLE, FAST, REAL
from tools.lab.world import BIN, World, wait_until

IMAGES = Path(__file__).parents[1] / "docs" / "images"
COLUMNS, MAX_OUTPUT, LARGEST = 96, 1 << 20, 200_000
THEME = TerminalTheme(
    (24, 26, 31), (220, 223, 228),
    [(40, 44, 52), (224, 108, 117), (152, 195, 121), (229, 192, 123), (97, 175, 239), (198, 120, 221), (86, 182, 194),
     (220, 223, 228)],
)
FONTS = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)              # a picture that asks nobody for anything
SIMULATED = 12


def main() -> int:
    """Draw them all; 1 when one became too large."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            _stand(world)
            world.remote.write({"org/opening-hours.yaml": CHANGE})
            drawn = {
                "plan.svg": _session(world, ("plan",)),
                "status.svg": _session(world, ("status",), ("explain", REAL, "checks.disk.warning")),
            }
        finally:
            world.stop()
    for name, picture in drawn.items():
        if len(picture) > LARGEST:
            print(f"error: {name} has {len(picture):,} bytes", file=sys.stderr)
            return 1
        (IMAGES / name).write_text(picture)
    return 0


def _stand(world: World) -> None:
    """The demo's fleet, up to date."""
    world.remote.create(EXAMPLE)
    world.remote.push("Look every five seconds", {"org/pace.yaml": FAST})
    world.prepare()
    world.start_server()
    world.sign_in()
    world.guru("sync")
    world.start_agent(world.enrol(REAL, "acme", "hq"))
    world.simulate(SIMULATED, "birch", "hq", "--names", "birch-{n}", "--duration", "0", "--quiet")
    listed = ("device", "list", "--state", "UpToDate", "-o", "name")
    wait_until("everybody is as it should be",
               lambda: len(world.guru(*listed).out.splitlines()) == SIMULATED + 1, timeout=120)


def _session(world: World, *commands: Sequence[str]) -> str:
    """What a person sees who types these commands, as SVG."""
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), force_terminal=True, highlight=False)
    for command in commands:
        console.print(Text.assemble(("$ ", "green"), (" ".join(("guru", *command)), "bold")))
        screen = _on_terminal(world, command).replace(f"{world.folder}/git", "/srv")      # the temporary folder
        console.print(Text.from_ansi(screen.rstrip("\r\n")), soft_wrap=True)
        console.print()
    picture = console.export_svg(title="guru", theme=THEME, unique_id="guru")       # the same text, the same bytes
    return FONTS.sub("", picture).replace("<svg ", '<svg xml:space="preserve" ', 1)


def _on_terminal(world: World, command: Sequence[str]) -> str:
    """The output of `guru` on a terminal of COLUMNS."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    child = subprocess.Popen(
        [BIN / "guru", *command], cwd=world.remote.work, stdin=subprocess.DEVNULL, stdout=follower, stderr=follower,
        env={**os.environ, **world.guru_env(), "TERM": "xterm-256color", "LANG": "C.UTF-8", "COLUMNS": str(COLUMNS)})
    os.close(follower)
    seen = bytearray()
    while len(seen) < MAX_OUTPUT:
        try:
            read = os.read(leader, 65536)
        except OSError:                 # Linux says so when the other end closed
            break
        if not read:
            break
        seen += read
    os.close(leader)
    child.wait(timeout=60)
    return seen.decode("utf-8", "replace").replace("\r\n", "\n")


if __name__ == "__main__":
    sys.exit(main())
