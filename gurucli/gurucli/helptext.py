"""Help texts: examples first, then what a thing does, then its options. Pure text; it runs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from gurucli.catalogue import GROUPS, SECTIONS, below
from gurucli.flags import BY_NAME, FLAGS
from gurucli.paper import Paper
from gurucli.plugin_programs import programs
from gurucli.plugins import installed

if TYPE_CHECKING:
    from typer._click.core import Context, Parameter

    from gurucli.command import GuruCommand

WIDEST, USUAL = 100, 80                 # columns of text; the second where there is no terminal
STOP = " -- "                           # what stands behind it is no option of ours
LEFT = 28                               # columns of an option before its help

ROOT_EXAMPLES: tuple[tuple[str, str], ...] = (
    ("guru login https://guru.example.com --pin sha256:1f0c...", "sign in, once"),
    ("guru status", "is everything as it should be?"),
    ("guru device list -l customer=acme,os=linux", "which devices, and how are they?"),
    ("guru run web01 -- df -h", "run something, there and now"),
    ('guru query "select * from os" -l site=hq', "ask devices in SQL, live"),
    ("guru plan", "what would my change do, to whom?"),
    ("guru sync --wait", "take the newest commit, and wait"),
    ("guru explain web01 checks.disk.warning", "why has this device this value?"),
)


def root_help(paper: Paper, path: str = "") -> str:
    """`guru --help`; `path` are the folders where programs are that add commands."""
    lines = ["Look after other people's computers, from a shell and from Git.", ""]
    lines += _examples(ROOT_EXAMPLES, paper)
    known = below(())
    for title, words in SECTIONS:
        lines += ["", paper.paint(title, "title")]
        lines += [f"  {word:<12}{known[word]}" for word in words]
    lines += [*_plugins(paper, path, frozenset(known)), "", *_common(paper), "", *_closing()]
    return "\n".join(lines)


def group_help(path: tuple[str, ...], paper: Paper) -> str:
    """`guru device --help`: the verbs of a group."""
    command = " ".join(("guru", *path))
    lines = [GROUPS[path], "", paper.paint("Commands", "title")]
    words = below(path)
    left = max(len(word) for word in words) + 3
    lines += [f"  {word:<{left}}{summary}" for word, summary in words.items()]
    lines += ["", f"`{command} COMMAND --help` shows its examples and options."]
    return "\n".join(lines)


def command_help(command: GuruCommand, ctx: Context, paper: Paper) -> str:
    """`guru device list --help`."""
    summary, *paragraphs = [part.replace("\n", " ") for part in (command.help or "").strip().split("\n\n")]
    lines = [summary, "", *_examples(command.examples, paper)]
    lines += ["", paper.paint("Usage", "title"), "  " + usage(command, ctx)]
    for paragraph in paragraphs:
        lines += ["", *wrap(paragraph, _width(paper))]
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    own = [p for p in command.params if p.param_type_name == "option" and not is_common(p)]
    for title, params in (("Arguments", arguments), ("Options", own)):
        rows = [row for p in params if (row := param_row(p, ctx)) is not None]
        if rows:
            lines += ["", paper.paint(title, "title"), *_definitions(rows, paper)]
    taken = {name for p in own for name in p.opts}
    lines += ["", *_common(paper, taken), "", *_closing()]
    return "\n".join(lines)


def usage(command: GuruCommand, ctx: Context) -> str:
    """The command with its arguments in capitals."""
    pieces = []
    for param in command.params:
        if param.param_type_name == "argument":
            name = param.make_metavar(ctx).rstrip(".").strip("[]{}")
            many = "..." if param.nargs == -1 else ""
            if "]" in name:                             # several in one, such as `[DEVICE] -- CMD`
                pieces.append(f"[{name}{many}")
            else:
                pieces.append(f"{name}{many}" if param.required else f"[{name}{many}]")
    options = ["[OPTIONS]"]
    words = [*options, *pieces] if any(STOP in piece for piece in pieces) else [*pieces, *options]
    return " ".join([command.name or "guru", *words])


def is_common(param: Parameter) -> bool:
    """Whether this option is one that every command has."""
    flag = BY_NAME.get(param.opts[0])
    return flag is not None and flag.dest == param.name


def param_row(param: Parameter, ctx: Context) -> tuple[str, str] | None:
    """An argument's or option's names and help; None when it is hidden."""
    shown = param.get_help_record(ctx)
    if shown is None:
        return None
    return shown[0], re.sub(r"\s*\[x>=\d+\]|; x>=\d+", "", shown[1].replace("  [required]", ""))


def _plugins(paper: Paper, path: str, taken: frozenset[str]) -> Iterator[str]:
    """The words that others add: programs by name only, packages with what they say of themselves."""
    added = {word: verb.summary for word, verb in installed().items()}
    found = dict.fromkeys(programs(path, taken), "") | added
    if found:
        yield from ("", paper.paint("Plugins", "title"))
        yield from (f"  {word:<12}{' ' * (len(word) >= 12)}{found[word]}".rstrip() for word in sorted(found))


def _examples(examples: Sequence[tuple[str, str]], paper: Paper) -> Iterator[str]:
    yield paper.paint("Examples", "title")
    room = _width(paper) - 5
    left = max((len(line) for line, _ in examples),
               key=lambda width: sum(len(line) <= width and width + len(m) <= room for line, m in examples))
    for line, meaning in examples:
        if max(left, len(line)) + len(meaning) <= room:
            yield f"  {paper.paint(line, 'accent')}{' ' * (left - len(line))}   {paper.paint(meaning, 'dim')}"
        else:
            yield f"  {paper.paint(line, 'accent')}"
            yield f"      {paper.paint(meaning, 'dim')}"


def _common(paper: Paper, taken: Iterable[str] = ()) -> Iterator[str]:
    yield paper.paint("Options of every command", "title")
    hidden = set(taken)
    yield from _definitions((
        (", ".join(flag.names) + (f" {flag.metavar}" if flag.metavar else ""), flag.help)
        for flag in FLAGS if not hidden & set(flag.names)), paper)


def _width(paper: Paper) -> int:
    return max(40, min(paper.columns or USUAL, WIDEST))


def _definitions(rows: Iterable[tuple[str, str]], paper: Paper) -> Iterator[str]:
    for names, text in rows:
        first, *more = wrap(text, max(_width(paper) - LEFT, 20)) or [""]
        if len(names) > LEFT - 4:
            yield f"  {names}"
            more = [first, *more]
        else:
            yield f"  {names:<{LEFT - 2}}{first}".rstrip()
        yield from (" " * LEFT + line for line in more)


def _closing() -> list[str]:
    return ["`guru explain exit-codes` lists what commands end with,", "`guru explain G0404` explains an error."]
