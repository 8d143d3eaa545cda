"""The options that every verb takes, and their values. Plain data: parsing them is Typer's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

ColorChoice = Literal["auto", "always", "never"]


class Flag(NamedTuple):
    """One option: its names, what its value is called (empty for a switch), and its help."""

    dest: str
    names: tuple[str, ...]
    metavar: str
    help: str
    repeats: bool = False
    counted: bool = False


FLAGS: tuple[Flag, ...] = (
    Flag("output", ("-o", "--output"), "FORMAT",
         "table, wide, json, ndjson, yaml, csv, name or jsonpath=EXPR. Without it: a table on a terminal, "
         "tab-separated rows in a pipe.", repeats=True),
    Flag("fields", ("--fields",), "A,B", "Only these fields, in this order; `--fields help` lists them."),
    Flag("context", ("--context",), "NAME", "The server to talk to, instead of the one in use."),
    Flag("timeout", ("--timeout",), "TIME", "How long to wait for one answer, such as 10s; 30s without it."),
    Flag("ticket", ("--ticket",), "ID", "The ticket that this is for, where a role asks for one; it is audited."),
    Flag("no_input", ("--no-input",), "", "Never ask; fail where a question would come."),
    Flag("plain", ("--plain",), "", "No colour, no glyphs, no moving progress, nothing shortened."),
    Flag("color", ("--color",), "WHEN", "auto, always or never. NO_COLOR is honoured."),
    Flag("quiet", ("-q", "--quiet"), "", "No hints and no progress on stderr; errors still come."),
    Flag("verbose", ("-v", "--verbose"), "", "Show each request to the server on stderr, tokens masked.",
         counted=True),
)
BY_NAME = {name: flag for flag in FLAGS for name in flag.names}


@dataclass(frozen=True, slots=True)
class Options:
    """What was given for FLAGS."""

    output: tuple[str, ...] = ()
    fields: str = ""
    context: str = ""
    timeout: str = ""
    ticket: str = ""
    no_input: bool = False
    plain: bool = False
    color: str = "auto"
    quiet: bool = False
    verbose: int = 0
