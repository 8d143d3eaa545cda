"""First words that no command of guru's own has: aliases, commands of packages, programs on PATH, in this order."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import NoReturn

from guru_policy.errors import GuruError, UsageWrong
from gurucli.arguments import Asked, first_word, sort
from gurucli.catalogue import below
from gurucli.environment import Environment, handed_on


def unaliased(argv: Sequence[str], environment: Environment) -> list[str]:
    """The line with an alias in first place put into full, once: what stands for it is never taken for an alias."""
    place = _place(argv)
    if place is None:
        return list(argv)
    from gurucli.aliases import words_of
    from gurucli.contexts import load

    words = words_of(load(environment.config), argv[place])
    return [*argv[:place], *(words or [argv[place]]), *argv[place + 1:]]


def asked_of(argv: Sequence[str], environment: Environment) -> Asked:
    """The command of the line. It does not come back when the word is a program's: that takes this one's place."""
    place = _place(argv)
    if place is None:
        return sort(argv)
    from gurucli.plugin_programs import program
    from gurucli.plugins import installed

    word, helped = argv[place], first_word(argv) != place
    verb = installed().get(word)
    if verb is not None:
        rest = ["--help"] if helped else [*argv[:place], *argv[place + 1:]]
        return Asked(verb, verb.path, rest)
    file = program(environment.path, word)
    if file and helped:
        raise UsageWrong(f"{word} is a program of its own, {file}", hint=f"`guru {word} --help` asks it for help")
    if file:
        become(file, argv[place + 1:], _for_context(word, argv[:place], environment))
    return sort(argv)                   # which tells what is wrong with it


def become(file: str, argv: Sequence[str], env: dict[str, str]) -> NoReturn:
    """Put the program in the place of this one: its terminal, signals and exit code are the program's."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)   # Python ignores it, and what is ignored would stay so
    try:
        os.execve(file, [file, *argv], env)             # noqa: S606 - no shell is wanted
    except OSError as cause:
        raise GuruError(f"{file} cannot be started: {cause.strerror}",
                        hint="a script begins with a line such as #!/bin/sh") from cause


def _place(argv: Sequence[str]) -> int | None:
    """Where the first word stands that no command of ours has, behind `help` too; None when there is none."""
    place = first_word(argv)
    if place is not None and argv[place] == "help":
        behind = first_word(argv[place + 1:])
        place = None if behind is None else place + 1 + behind
    return None if place is None or argv[place] in below(()) else place


def _for_context(word: str, before: Sequence[str], environment: Environment) -> dict[str, str]:
    """The surroundings of the program: those of guru, with what --context says. UsageWrong for any other option."""
    name, words = "", list(before)
    while words:
        option, equals, value = words.pop(0).partition("=")
        if option != "--context":
            raise UsageWrong(f"{word} is a program of its own, and {option} stands in front of it",
                             hint=f"put its options behind it: guru {word} {option}")
        name = value if equals else words.pop(0)
    if not name:
        return handed_on("", token=True)
    from gurucli.contexts import load

    return handed_on(name, token=not load(environment.config).named(name).token)
