"""`guru completion`: the script that a shell needs, or puts it where the shell looks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guru_policy.errors import GuruError, UsageWrong
from gurucli.cli import Cli
from gurucli.completion_scripts import SHELLS, place, script
from gurucli.paper import Paper
from gurucli.sheet import Column, Sheet

COLUMNS = (Column("shell"), Column("file", keep=True), Column("script", wide=True))
EXAMPLES = (
    ("guru completion bash --install", "for good"),
    ("source <(guru completion bash)", "for this shell only"),
    ("guru completion zsh > ~/.zfunc/_guru", "put it where you like"),
)


def run(
    ctx: typer.Context,
    shell: Annotated[str,
                     typer.Argument(metavar="bash|zsh|fish", help="The shell.", show_default=False)] = "",
    install: Annotated[bool, typer.Option(
        "--install", help="Write it to where the shell looks for it.", show_default=False)] = False,
) -> None:
    """Print or install completion for bash, zsh or fish.

    TAB is answered from a small cache of names, which `guru device list` and a refresh in the background
    keep fresh.
    """
    cli: Cli = ctx.obj
    shell = shell or Path(cli.environment.shell).name
    if shell not in SHELLS:
        raise UsageWrong(f"there is no completion for {shell or 'an unknown shell'}",
                         hint=f"one of {', '.join(SHELLS)}")
    text = script(shell)
    file = place(shell, cli.environment.home)
    if not install:
        lines = text.split("\n")
        cli.out.result(Sheet([{"shell": shell, "file": str(file), "script": text}], COLUMNS,
                             document={"shell": shell, "script": text}, name="shell", text=lambda _: lines))
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as cause:
        raise GuruError(f"{file} cannot be written: {cause.strerror}") from cause

    def told(paper: Paper) -> list[str]:
        return [paper.paint(paper.marked(f"wrote {file}; open a new shell", "good"), "good")]

    document = {"shell": shell, "file": str(file)}
    cli.out.result(Sheet([document], COLUMNS[:2], document=document, name="file", draw=told))
    if shell == "zsh":
        cli.out.note("zsh looks there when ~/.zshrc has, before compinit:  fpath+=(~/.zfunc)")
