"""The words of a command line, sorted into a command and the rest. Pure: nothing is looked up or printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from guru_policy.errors import UsageWrong
from gurucli.catalogue import Verb, below, verb_at
from gurucli.flags import BY_NAME, Options


class Asked(NamedTuple):
    """A verb with its arguments, or a group (`verb` is None) whose help is wanted."""

    verb: Verb | None
    path: tuple[str, ...]
    rest: list[str]


def sort(argv: Sequence[str]) -> Asked:
    """Which command this is; UsageWrong with a suggestion for a word that no command has.

    Options that every verb takes may stand before and between the words too.
    """
    words = list(argv)
    moved: list[str] = []
    path: tuple[str, ...] = ()
    while words:
        word = words.pop(0)
        if word in ("-h", "--help"):
            return Asked(None, path, [])
        if not path and word in ("-V", "--version"):
            return Asked(verb_at(("version",)), ("version",), [*moved, *words])
        if not path and word == "help":
            return _help(words)
        if word.startswith("-"):
            moved += _option(word, words, path)
            continue
        path = _step(path, word)
        verb = verb_at(path)
        if verb is not None:
            return Asked(verb, path, [*moved, *words])
    return Asked(None, path, [])


def first_word(argv: Sequence[str]) -> int | None:
    """Where the first word stands that is no option and no option's value; None when help comes before, or none."""
    place = 0
    while place < len(argv):
        word = argv[place]
        if word in ("-h", "--help", "-V", "--version"):
            return None
        if not word.startswith("-"):
            return place
        flag = BY_NAME.get(word)
        place += 2 if flag is not None and flag.metavar else 1
    return None


def peek(argv: Sequence[str]) -> Options:
    """The options that decide how an error is shown, read without judging the rest of the line."""
    output: tuple[str, ...] = ()
    words = list(argv)
    while words and (word := words.pop(0)) != "--":
        if word in ("-o", "--output") and words:
            output += (words.pop(0),)
        elif word.startswith("--output="):
            output += (word.removeprefix("--output="),)
        elif word.startswith("-o") and len(word) > 2:
            output += (word[2:],)
    color = next((w.removeprefix("--color=") for w in argv if w.startswith("--color=")), "auto")
    return Options(output=output, color=color, plain="--plain" in argv,
                   verbose=sum(word in ("-v", "-vv", "--verbose") for word in argv))


def wants_field_names(argv: Sequence[str]) -> bool:
    """Whether `--fields help` is on the line: answered before anything else is asked for."""
    before = argv[:argv.index("--")] if "--" in argv else argv
    return "--fields=help" in before or ("--fields", "help") in pairwise(before)


def _help(words: list[str]) -> Asked:
    path: tuple[str, ...] = ()
    for word in words:
        if word.startswith("-"):
            continue
        path = _step(path, word)
        verb = verb_at(path)
        if verb is not None:
            return Asked(verb, path, ["--help"])
    return Asked(None, path, [])


def _option(word: str, words: list[str], path: tuple[str, ...]) -> list[str]:
    name = word.partition("=")[0] if word.startswith("--") else word[:2]
    flag = BY_NAME.get(name)
    if flag is None:
        command = " ".join(("guru", *path))
        raise UsageWrong(f"{command} has no option {word}",
                         hint=_near(name, BY_NAME) or f"see `{command} --help`")
    attached = "=" in word or (not word.startswith("--") and len(word) > 2)
    if not flag.metavar or attached:
        return [word]
    if not words:
        raise UsageWrong(f"{name} needs a value, {flag.metavar}", hint="see `guru --help`")
    return [word, words.pop(0)]


def _step(path: tuple[str, ...], word: str) -> tuple[str, ...]:
    choices = below(path)
    if word in choices:
        return (*path, word)
    command = " ".join(("guru", *path))
    hint = _near(word, choices) or _elsewhere(word) or f"`{command} --help` lists what there is"
    raise UsageWrong(f"{command} has no command {word!r}", hint=hint)


def _near(word: str, choices: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, list(choices), 1)
    return f"did you mean {near[0]}?" if near else ""


def _elsewhere(word: str) -> str:
    """A hint for a verb without its noun, and for words that people bring from other tools."""
    known = {"host": "device", "hosts": "device", "devices": "device", "agents": "device", "agent": "device",
             "ctx": "context", "enrol": "enroll", "lint": "validate",
             "alerts": "alert", "revisions": "revision", "log": "revision list", "ls": "device list",
             "jobs": "job", "scripts": "script", "exec": "run", "cmd": "run",
             "ssh": "run", "shell": "run", "sql": "query", "osquery": "query", "select": "query", "ack": "alert ack",
             "silence": "maint start", "mute": "maint start", "secret": "secrets", "vault": "secrets",
             "backup": "export", "history": "audit list", "logs": "audit list", "event": "events", "stream": "events",
             "hook": "webhook", "hooks": "webhook", "webhooks": "webhook"}
    return f"did you mean `guru {known[word]}`?" if word in known else ""
