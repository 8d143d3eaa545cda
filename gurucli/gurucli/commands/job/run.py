"""`guru run`: a command on one device or many, now or when they come back. It asks before it does so on several."""

from __future__ import annotations

import base64
from typing import Annotated

import typer

from guru_policy.errors import UsageWrong
from gurucli.cli import Cli
from gurucli.given import bytes_in, text_in
from gurucli.job_telling import COLUMNS
from gurucli.ordering import (
    BatchOption,
    DelayOption,
    ExpiresOption,
    MaxFailuresOption,
    NoWaitOption,
    order,
    pace,
    whole,
)
from gurucli.parameters import MaxDevicesOption, SelectorOption, YesOption, one_of

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru run web01 -- systemctl restart nginx", "a program with its arguments, exactly as written"),
    ("guru run web01 -- 'df -h | tail -n +2'", "one word is a line for the shell"),
    ("guru run -l role=web --batch 10% --max-failures 3 -- nginx -t", "a tenth at once, and stop when it goes wrong"),
    ("guru run web01 --shell python --file fix.py", "a script from a file"),
)
SHELLS = ("sh", "bash", "powershell", "cmd", "python")
MOST = 256 << 10                        # bytes of a script, and of input


def run(
    ctx: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(
        metavar="[DEVICE] -- CMD", help="A device (unless -l is given), then the command.", show_default=False)] = None,
    selector: SelectorOption = "",
    time_limit: Annotated[str, typer.Option(
        "--timeout", metavar="TIME", help="End it on a device after this.")] = "60s",
    expires: ExpiresOption = "1h",
    no_wait: NoWaitOption = False,
    batch: BatchOption = "",
    max_failures: MaxFailuresOption = 0,
    delay: DelayOption = "",
    stdin: Annotated[str, typer.Option(
        "--stdin", metavar="FILE", help="What it reads on standard input; `-` is yours.", show_default=False)] = "",
    file: Annotated[str, typer.Option(
        "--file", metavar="FILE", help="Run the script in this file.", show_default=False)] = "",
    shell: Annotated[str, typer.Option(
        "--shell", metavar="SHELL", help="sh, bash, powershell, cmd or python.", show_default=False)] = "",
    cwd: Annotated[str, typer.Option("--cwd", metavar="DIR", help="Where it starts.", show_default=False)] = "",
    as_user: Annotated[bool, typer.Option(
        "--as-user", help="As who is signed in there, not as the agent.", show_default=False)] = False,
    keep: Annotated[int, typer.Option("--keep", metavar="BYTES", min=0, max=16 << 20,
                                      help="How much of what a device prints is kept.")] = 64 << 10,
    yes: YesOption = False,
    max_devices: MaxDevicesOption = 0,
) -> None:
    """Run a command on one device or many.

    It is a job: devices that are away get it when they come back, until it expires, and at most once. Ends with 0
    when it succeeded everywhere, 6 when on some, 7 when it was too late, 1 when it failed on all.
    """
    cli: Cli = ctx.obj
    rest = list(words or [])
    device = "" if selector else rest.pop(0) if rest else ""
    if not selector and not device:
        raise UsageWrong("no device is named", hint="guru run web01 -- CMD, or -l SELECTOR -- CMD")
    if shell:
        one_of("--shell", shell, SHELLS)
    request: dict[str, object] = {
        **_command(rest, file, shell), **pace(expires, batch, max_failures, delay), "cwd": cwd, "output": keep,
        "timeout": whole("--timeout", time_limit), "run_as": "user" if as_user else "system",
    }
    if stdin:
        request["stdin"] = base64.b64encode(bytes_in(stdin, MOST)).decode()
    order(cli, device, selector, request, deed=f"run {_shown(rest, file)} on", yes=yes, most=max_devices,
          wait=not no_wait)


def _command(words: list[str], file: str, shell: str) -> dict[str, object]:
    """What is run: a script file, a line for a shell, or a program with its arguments."""
    if bool(file) == bool(words):
        raise UsageWrong("give a command or --file", hint="guru run web01 -- uptime")
    if file:
        return _script(text_in(file, MOST), shell)
    if len(words) == 1:
        return _script(words[0], shell)
    if shell:
        raise UsageWrong("a program with arguments needs no shell", hint="quote a line for the shell as one word")
    return {"argv": words}


def _script(text: str, shell: str) -> dict[str, object]:
    return {"script": text, "shell": shell or None}


def _shown(words: list[str], file: str) -> str:
    text = " ".join(words) if words else file
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"
