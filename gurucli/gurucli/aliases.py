"""Short words that a person gave to longer lines. They are kept beside the contexts; it runs nothing."""

from __future__ import annotations

import shlex

from guru_policy.errors import NotFound, UsageWrong
from gurucli.arguments import sort
from gurucli.catalogue import below
from gurucli.contexts import Config
from gurucli.plugin_programs import OURS, is_word

LONGEST = 2_000                         # letters of a line
MOST = 200                              # aliases of a person


def words_of(config: Config, word: str) -> list[str]:
    """What an alias stands for; nothing when there is none of that name, or its line was damaged by hand."""
    try:
        return shlex.split(config.aliases.get(word, ""))
    except ValueError:
        return []


def with_alias(config: Config, name: str, line: str) -> Config:
    """With the alias set. UsageWrong when a command has that word, or the line begins with no command."""
    if not is_word(name):
        raise UsageWrong(f"{name!r} can be no alias", hint="use small letters, digits and hyphens, such as hq-list")
    if hidden(name):
        raise UsageWrong(f"guru has a command {name} of its own", hint="choose another word")
    if len(line) > LONGEST or not line.isprintable():
        raise UsageWrong(f"the line of an alias is one line of at most {LONGEST:,} letters")
    try:
        words = shlex.split(line)
    except ValueError as cause:
        raise UsageWrong(f"the line has a quote that does not end: {line}") from cause
    if words[:1] == ["guru"]:
        raise UsageWrong("the line begins with guru", hint=f"leave it out: {line.partition('guru')[2].strip()}")
    if not words or words[0].startswith("-") or words[0] == "help":
        raise UsageWrong("the line begins with no command", hint="guru alias set hq 'device list -l site=hq'")
    sort(words)
    if name not in config.aliases and len(config.aliases) >= MOST:
        raise UsageWrong(f"there are {MOST} aliases already", hint="`guru alias rm NAME` removes one")
    return config.naming({**config.aliases, name: line})


def without_alias(config: Config, name: str) -> Config:
    """Without the alias; NotFound when there is none of that name."""
    if name not in config.aliases:
        raise NotFound(f"no alias is named {name!r}", hint="`guru alias list` names the ones there are")
    return config.naming({key: line for key, line in config.aliases.items() if key != name})


def hidden(name: str) -> bool:
    """Whether a command of guru's own has the word, so that an alias of that name is never used."""
    return name in below(()) or name in OURS
