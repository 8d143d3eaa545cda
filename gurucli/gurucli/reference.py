"""`python -m gurucli.reference`: writes docs/cli/*.md and the words of completion from the commands
themselves.
"""

from __future__ import annotations

import pprint
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import fill, indent

from guru_policy.query.catalogue import TABLES
from guru_policy.query.kept import KEPT_BY_NAME
from guru_policy.schema.describing import kinds
from gurucli import command as commands
from gurucli.catalogue import GROUPS, SECTIONS, VERBS, Verb, below
from gurucli.command import GuruCommand
from gurucli.explanations import TEXTS, exit_codes, explanation
from gurucli.flags import FLAGS
from gurucli.helptext import ROOT_EXAMPLES, is_common, param_row, usage

HERE = Path(__file__).parent
_GLUE = "\0"                            # a space at which no line may end
_NOTE = "\n<!-- made by `python -m gurucli.reference`; change the command, not this page -->\n"


def pages() -> dict[str, str]:
    """The reference, file name to Markdown."""
    found = {f"{'-'.join(verb.path)}.md": _page(verb) for verb in VERBS}
    found["README.md"] = _index()
    found["errors.md"] = _errors()
    return found


def words() -> dict[str, str]:
    """The modules of what completion knows, as plain data: file names with their text."""
    options, arguments = {}, {}
    for verb in VERBS:
        built = commands.build(verb, commands.load(verb))
        path = " ".join(verb.path)
        options[path] = tuple((tuple(p.opts), p.metavar or "" if not getattr(p, "is_flag", False) else "")
                              for p in built.params if p.param_type_name == "option" and not is_common(p))
        arguments[path] = tuple(p.metavar or "" for p in built.params if p.param_type_name == "argument")
    groups = {" ".join(path): tuple(below(path).items()) for path in ((), *GROUPS)}
    common = (*((flag.names, flag.metavar) for flag in FLAGS), (("-h", "--help"), ""))
    parts = (("VERBS", _frozenset({" ".join(verb.path) for verb in VERBS})),
             ("GROUPS", _source(groups)),
             ("OPTIONS", _source(options)),
             ("ARGUMENTS", _source(arguments)),
             ("COMMON", pprint.pformat(common, width=100)),
             *((name, _tuple(values)) for name, values in _known().items()))
    head = '"""What completion knows of the commands. Made by `python -m gurucli.reference`; never edited."""\n'
    types = {"VERBS": "frozenset[str]", "GROUPS": "dict[str, tuple[tuple[str, str], ...]]",
             "OPTIONS": "dict[str, tuple[tuple[tuple[str, ...], str], ...]]",
             "ARGUMENTS": "dict[str, tuple[str, ...]]", "COMMON": "tuple[tuple[tuple[str, ...], str], ...]",
             **dict.fromkeys(_known(), "tuple[str, ...]")}
    bodies = {name: f"\n{name}: {types[name]} = {source}\n" for name, source in parts}
    return {
        file: f"{head}\nfrom __future__ import annotations\n{''.join(bodies[name] for name in names)}"
        for file, names in (("words.py", ("VERBS", "GROUPS", "COMMON")), ("word_options.py", ("OPTIONS",)),
                            ("word_arguments.py", ("ARGUMENTS",)), ("word_values.py", tuple(_known())))
    }


def _known() -> dict[str, tuple[str, ...]]:
    """Words that need no server: the tables of queries and of inventories, and what `guru explain` tells of."""
    return {"TABLES": tuple(table.name for table in TABLES), "KEPT": tuple(KEPT_BY_NAME), "KINDS": kinds(),
            "TOLD": ("exit-codes", *TEXTS)}


def _frozenset(items: set[str]) -> str:
    return f"frozenset({_tuple(sorted(items))})"


def _tuple(items: Iterable[str]) -> str:
    words = " ".join(f'"{item.replace(" ", _GLUE)}",' for item in items)
    return "(\n" + indent(fill(words, 110, break_on_hyphens=False), "    ").replace(_GLUE, " ") + "\n)"


def _source(data: Mapping[str, object]) -> str:
    """A dict as Python text, no line of it wider than the project's 120 columns."""
    widths = (min(100, 120 - len(f"    {key!r}: ,")) for key in data)
    body = (pprint.pformat(value, width=width).replace("\n", "\n        ")
            for value, width in zip(data.values(), widths, strict=True))
    return "{\n" + "".join(f"    {key!r}: {text},\n" for key, text in zip(data, body, strict=True)) + "}"


def _page(verb: Verb) -> str:
    module = commands.load(verb)
    built = commands.build(verb, module)
    summary, *paragraphs = [part.replace("\n", " ") for part in (built.help or "").strip().split("\n\n")]
    lines = [f"# guru {' '.join(verb.path)}", "", summary, "", "```sh"]
    lines += [f"{line:<60} # {meaning}" for line, meaning in module.EXAMPLES]
    ctx = built.make_context(built.name, [], resilient_parsing=True)
    lines += ["```", "", f"Usage: `{usage(built, ctx)}`"]
    for paragraph in paragraphs:
        lines += ["", paragraph]
    lines += _params(built)
    if module.COLUMNS:
        fields = ", ".join(f"`{column.key}`" for column in module.COLUMNS)
        lines += ["", f"Fields for `--fields`: {fields}."]
    lines += ["", "Options of every command, output formats and exit codes: [the overview](README.md)."]
    return "\n".join(lines) + "\n" + _NOTE


def _params(built: GuruCommand) -> list[str]:
    ctx = built.make_context(built.name, [], resilient_parsing=True)
    rows = [row for p in built.params if not is_common(p) and (row := param_row(p, ctx)) is not None]
    if not rows:
        return []
    return ["", "| | |", "|---|---|", *(f"| `{_cell(names)}` | {_cell(text)} |" for names, text in rows)]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").strip()


def _index() -> str:
    intro = "Every command of `guru`, with its examples, arguments and options."
    lines = ["# The command line", "", intro, "", "```sh"]
    lines += [f"{line:<60} # {meaning}" for line, meaning in ROOT_EXAMPLES]
    lines += ["```"]
    for title, firsts in SECTIONS:
        lines += ["", f"## {title}", ""]
        lines += [f"- [`guru {' '.join(v.path)}`]({'-'.join(v.path)}.md): {v.summary}" for v in VERBS
                  if v.path[0] in firsts]
    lines += ["", "## Options of every command", "", "| | |", "|---|---|"]
    lines += [f"| `{', '.join(f.names)}{' ' + f.metavar if f.metavar else ''}` | {_cell(f.help)} |"
              for f in FLAGS]
    lines += ["", "## Exit codes", "", "| code | meaning |", "|---:|---|"]
    lines += [f"| {row['code']} | {row['meaning']} |" for row in exit_codes()]
    lines += ["", "What each error code means: [errors](errors.md), or `guru explain CODE` offline."]
    return "\n".join(lines) + "\n" + _NOTE


def _errors() -> str:
    lines = ["# Error codes", "", "What each error means and what to do about it, as `guru explain CODE` says offline."]
    for code in TEXTS:
        found = explanation(code)
        lines += ["", f"## {code}: {found.summary}", "",
                  f"`{found.name}`; commands end with {found.exit_code}.", "",
                  found.text]
    return "\n".join(lines) + "\n" + _NOTE


def write(root: Path) -> None:
    """Write all of it under the workspace `root`; pages of commands that are gone are removed."""
    folder = root / "docs" / "cli"
    folder.mkdir(parents=True, exist_ok=True)
    fresh = pages()
    for old in folder.glob("*.md"):
        if old.name not in fresh:
            old.unlink()
    for name, text in fresh.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name, text in words().items():
        (HERE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent.parent)
