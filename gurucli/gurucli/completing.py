"""The candidates for the word under the cursor. It asks no server: names come from the cache.

A name that a shell could read as anything but a word is never offered: names come from devices.
"""

from __future__ import annotations

import os
import re
import sys

from gurucli.word_arguments import ARGUMENTS
from gurucli.word_options import OPTIONS
from gurucli.words import COMMON, GROUPS, VERBS

TYPE_CHECKING = False                   # as in names.py
if TYPE_CHECKING:
    from typing import Any

FILES = 3                               # the exit code that says: offer files
_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/@+-]*").fullmatch
_FIXED = {
    "FORMAT": ("table", "wide", "json", "ndjson", "yaml", "csv", "name", "jsonpath="),
    "WHEN": ("auto", "always", "never"),
    "METHOD": ("GET", "POST", "PUT", "PATCH", "DELETE"),
    "bash|zsh|fish": ("bash", "zsh", "fish"),
    "SHELL": ("sh", "bash", "powershell", "cmd", "python"),
    "SHARE": ("100%", "95%", "90%"),
}
_STATES = {
    "alert list": ("firing", "pending", "resolved", "all"),
    "device list": ("UpToDate", "Updating", "OutOfDate", "Unknown"),
}
Found = list[tuple[str, str]]


def answer(argv: list[str]) -> int:
    """Print the candidates, one a line, as the shell wants them; the exit code for the shell."""
    try:
        shell, index, words = argv[0], int(argv[1]), argv[2:]
    except (IndexError, ValueError):
        sys.stderr.write("guru-complete is run by completion scripts: `guru completion bash` prints one\n")
        return 2
    done, current = _joined(words[1:index]), words[index] if index < len(words) else ""
    option = ""
    if current == "=":
        current = ""
    if done and done[-1].endswith("="):
        option, done = done[-1][:-1], done[:-1]
    found = candidates(done, current, option)
    if found is None:
        return FILES
    separator = {"fish": "\t", "zsh": ":"}.get(shell, "")
    lines = [word.replace(":",
                          "\\:" if shell == "zsh" else ":") + (separator + text if separator and text else "")
             for word, text in found]
    sys.stdout.write("".join(line + "\n" for line in lines))
    return 0


def candidates(done: list[str], current: str, option: str = "") -> Found | None:
    """What may stand for `current` after the words `done`; None when a file may. `option` waits for its
    value.
    """
    done = _unaliased(done)
    verb, arguments, waiting = _read(done)
    if verb and verb not in VERBS and verb not in GROUPS and _plugin(verb):
        return None                     # what a plugin takes only it knows
    option = option or waiting
    options = {name: metavar for names, metavar in (*OPTIONS.get(verb, ()), *COMMON) for name in names}
    if option:
        return _values(options.get(option, ""), verb, option, current)
    if current.startswith("--") and "=" in current:
        name, _, start = current.partition("=")
        found = _values(options.get(name, ""), verb, name, start)
        return None if found is None else [(f"{name}={word}", text) for word, text in found]
    if current.startswith("-"):
        return [(name, "") for name in sorted(options) if name.startswith(current)]
    if verb in VERBS:
        places = ARGUMENTS.get(verb, ())
        metavar = places[min(arguments, len(places) - 1)] if places else ""
        if arguments and metavar.startswith("[DEVICE] "):
            return []                   # the device was named: what follows is a command, or values
        if verb == "query" and "--tables" in done:
            metavar = "[TABLE]"
        return _values(metavar, verb, "", current) if metavar else []
    if not verb:
        return [*_begun(GROUPS[""], current), *_added(current)]
    return _begun(GROUPS.get(verb, ()), current)


def _begun(words: tuple[tuple[str, str], ...], start: str) -> Found:
    return [(word, text) for word, text in words if word.startswith(start)]


def _plugin(verb: str) -> bool:
    """Whether the first word is a program on PATH."""
    from gurucli.plugin_programs import program

    first = verb.partition(" ")[0]
    return first not in {word for word, _ in GROUPS[""]} and bool(program(os.environ.get("PATH", ""), first))


def _added(start: str) -> Found:
    """The aliases and the programs on PATH, as first words."""
    from gurucli.plugin_programs import programs

    taken = frozenset(word for word, _ in GROUPS[""])
    aliases = {word: line for word, line in _aliases().items() if word not in taken and _SAFE(word)}
    found = dict.fromkeys(programs(os.environ.get("PATH", ""), taken), "") | aliases
    return [(word, text if text.isprintable() else "") for word, text in found.items() if word.startswith(start)]


def _unaliased(done: list[str]) -> list[str]:
    """The words with an alias in first place put into full, as guru itself does."""
    metavars = {name: metavar for names, metavar in COMMON for name in names}
    waiting = False
    for place, word in enumerate(done):
        if waiting or word.startswith("-"):
            waiting = not waiting and bool(metavars.get(word))
        elif any(word == own for own, _ in GROUPS[""]):
            return done
        else:
            import shlex

            try:
                return [*done[:place], *shlex.split(_aliases().get(word, "") or word), *done[place + 1:]]
            except ValueError:
                return done
    return done


def _read(done: list[str]) -> tuple[str, int, str]:
    """The command so far, how many arguments it has, and the option that waits for a value."""
    path, arguments, waiting = "", 0, ""
    for word in done:
        if waiting:
            waiting = ""
        elif word.startswith("-"):
            metavars = {name: metavar for names,
                        metavar in (*OPTIONS.get(path, ()), *COMMON) for name in names}
            waiting = word if metavars.get(word) else ""
        elif path in VERBS:
            arguments += 1
        else:
            path = f"{path} {word}".strip()
    return path, arguments, waiting


def _values(metavar: str, verb: str, option: str, start: str) -> Found | None:
    if metavar in ("FILE", "PATH") and verb not in ("explain", "api", "override rm"):
        return None
    if metavar == "STATE":
        words: tuple[str, ...] | list[str] = _STATES.get(verb, ())
    elif metavar in ("[TABLE]", "TABLE"):
        from gurucli.word_values import KEPT, TABLES

        words = TABLES if verb == "query" else KEPT
    elif metavar == "JOB":
        words = _cached("job", start)
    elif metavar == "DEVICE|CODE|KIND":
        from gurucli.word_values import KINDS, TOLD

        words = (*_cached("device", start), *TOLD, *KINDS)
    elif "DEVICE" in metavar.split("|") or metavar.startswith("[DEVICE]"):
        words = _cached("device", start)
    elif option == "--customer":
        words = _cached("customer", start)
    elif option == "--context" or verb == "context use":
        words = sorted(_config()[0])
    elif metavar == "SELECTOR":
        words = _selectors(start)
    else:
        words = _FIXED.get(metavar, ())
    return [(word, "") for word in words if word.startswith(start)]


def _selectors(start: str) -> list[str]:
    if start.startswith("@"):
        return ["@" + name for name in _cached("customer", start[1:])]
    return []


def _cached(kind: str, start: str) -> list[str]:
    """Names of the server in use; starts a refresh in the background when it is time."""
    from gurucli.names import Names

    place = os.environ.get("GURU_URL") or _config()[1]
    if not place:
        return []
    names = Names(f"{os.environ.get('XDG_CACHE_HOME') or _home('.cache')}/guru")
    found = [name for name in names.matching(place, kind, start) if _SAFE(name)]
    if names.due(place):
        _refresh()
    return found


def _config() -> tuple[list[str], str]:
    """The names of the contexts, and the URL of the one in use."""
    config = _configuration()
    try:
        contexts = config["contexts"]
        current = contexts.get(os.environ.get("GURU_CONTEXT") or config["current"], {})
        return [name for name in contexts if _SAFE(name)], str(current.get("url", ""))
    except (KeyError, TypeError, AttributeError):
        return [], ""


def _aliases() -> dict[str, str]:
    """The lines of the aliases; none when the configuration is damaged."""
    try:
        return {str(name): str(line) for name, line in _configuration().get("aliases", {}).items()}
    except (TypeError, AttributeError):
        return {}


def _configuration() -> Any:
    import json

    folder = os.environ.get("XDG_CONFIG_HOME") or _home(".config")
    path = os.environ.get("GURU_CONFIG") or f"{folder}/guru/config.json"
    try:
        with open(path, encoding="utf-8") as file:      # noqa: PTH123 - as above
            return json.load(file)
    except (OSError, ValueError):
        return {}


def _refresh() -> None:
    """Start `gurucli.refresh` without waiting for it."""
    if not hasattr(os, "posix_spawn"):
        return
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, stream) for stream in (0, 1, 2)]
    try:
        os.posix_spawn(sys.executable, [sys.executable, "-I", "-m", "gurucli.refresh"], dict(os.environ),
                       file_actions=actions)
    except OSError:
        pass                            # completion works without
    finally:
        os.close(null)


def _joined(words: list[str]) -> list[str]:
    """Bash hands `--state=Unknown` as three words; put them together, an open `--state=` included."""
    joined: list[str] = []
    for word in words:
        if word == "=" and joined:
            joined[-1] += "="
        elif joined and joined[-1].endswith("=") and joined[-1].startswith("--"):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _home(name: str) -> str:
    return f"{os.environ.get('HOME') or os.path.expanduser('~')}/{name}"        # noqa: PTH111 - pathlib costs TAB 5 ms
