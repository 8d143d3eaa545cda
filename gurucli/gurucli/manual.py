"""The manual pages, one for `guru` and one for each command, as roff (groff_man(7)). Pure text, from the commands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version

from gurucli import command as commands
from gurucli.catalogue import SECTIONS, VERBS, Verb
from gurucli.command import GuruCommand
from gurucli.exits import MEANINGS
from gurucli.flags import FLAGS
from gurucli.helptext import ROOT_EXAMPLES, is_common, param_row, usage

ESCAPES = str.maketrans({
    "\\": "\\(rs", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", '"': "\\(dq",
})
VARIABLES = (
    ("GURU_URL", "The server to talk to, instead of the context in use."),
    ("GURU_TOKEN", "The token for it. Never put a token on a command line."),
    ("GURU_CONTEXT", "The context to use, by name."),
    ("GURU_CA", "A PEM file with the authority of the server."),
    ("GURU_CONFIG", "The file of contexts and aliases."),
    ("NO_COLOR", "No colour."),
)


def pages() -> Iterator[tuple[str, str]]:
    """File names with their text: `guru.1`, then `guru-device-list.1` and so on."""
    release = version("gurucli")
    yield "guru.1", _root(release)
    for verb in VERBS:
        built = commands.build(verb, commands.load(verb))
        yield f"{page_name(verb)}.1", _page(verb, built, release)


def page_name(verb: Verb) -> str:
    """What `man` is asked for."""
    return "-".join(("guru", *verb.path))


def escaped(text: str) -> str:
    """Text as roff prints it, letter for letter: no escape, no request, no typographic quotes or dashes.

    Blanks and line breaks become one space, so that no line begins anew.
    """
    plain = " ".join(text.split()).translate(ESCAPES)
    return f"\\&{plain}" if plain.startswith(".") else plain


def _root(release: str) -> str:
    about = "Look after other people's computers, from a shell and from Git."
    lines = [*_head("guru", release, about), "guru COMMAND [OPTIONS]", *_section("DESCRIPTION"), escaped(about)]
    lines += _examples(ROOT_EXAMPLES)
    for title, words in SECTIONS:
        lines += _section(f"COMMANDS: {title.upper()}")
        lines += _terms((" ".join(("guru", *verb.path)), f"{verb.summary} See {page_name(verb)}(1).")
                        for verb in VERBS if verb.path[0] in words)
    lines += [*_section("OPTIONS OF EVERY COMMAND"), *_common(())]
    lines += [*_section("EXIT STATUS"), *_terms((str(int(code)), meaning) for code, meaning in MEANINGS.items())]
    lines += [*_section("ENVIRONMENT"), *_terms(VARIABLES)]
    return "\n".join(lines) + "\n"


def _page(verb: Verb, built: GuruCommand, release: str) -> str:
    ctx = built.make_context(built.name, [], resilient_parsing=True)
    paragraphs = [part for part in (built.help or "").strip().split("\n\n")[1:] if part.strip()]
    lines = [*_head(page_name(verb), release, verb.summary), escaped(usage(built, ctx))]
    lines += [*_section("DESCRIPTION"), escaped(verb.summary)]
    for paragraph in paragraphs:
        lines += [".PP", escaped(paragraph)]
    lines += _examples(built.examples)
    own = [param for param in built.params if not is_common(param)]
    for title, kind in (("ARGUMENTS", "argument"), ("OPTIONS", "option")):
        rows = [row for param in own if param.param_type_name == kind and (row := param_row(param, ctx)) is not None]
        lines += [*_section(title), *_terms(rows)] if rows else []
    lines += [*_section("OPTIONS OF EVERY COMMAND"), *_common({name for param in own for name in param.opts})]
    near = [page_name(other) for other in VERBS if len(verb.path) > 1 and other.path[:1] == verb.path[:1] != other.path]
    lines += [*_section("SEE ALSO"), escaped(", ".join(f"{name}(1)" for name in ("guru", *near)
                                                      if name != page_name(verb)))]
    return "\n".join(lines) + "\n"


def _head(name: str, release: str, about: str) -> Iterator[str]:
    yield f'.TH {escaped(name.upper())} 1 "" "GuruRMM {escaped(release)}" "GuruRMM"'
    yield ".nh"                         # a word that is cut cannot be copied
    yield ".ad l"
    yield from _section("NAME")
    yield f"{escaped(name)} \\- {escaped(re.sub(r'[.]$', '', about))}"
    yield from _section("SYNOPSIS")


def _section(title: str) -> tuple[str, str]:
    return ".SH", escaped(title)


def _examples(examples: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield from _section("EXAMPLES")
    for line, meaning in examples:
        yield from (".PP", escaped(meaning), ".PP", ".in +4n", ".nf", escaped(line), ".fi", ".in")


def _terms(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, text in rows:
        yield from (".TP", f"\\fB{escaped(term)}\\fR", escaped(text) or "\\&")


def _common(taken: Iterable[str]) -> Iterator[str]:
    hidden = set(taken)
    yield from _terms((", ".join(flag.names) + (f" {flag.metavar}" if flag.metavar else ""), flag.help)
                      for flag in FLAGS if not hidden & set(flag.names))
