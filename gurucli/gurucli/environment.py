"""What the surroundings say: environment variables, terminals, folders. The only reader of os.environ here.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Environment:
    """The surroundings, read once. Empty means not set."""

    config: Path
    cache: Path
    home: Path
    path: str = ""                      # the folders of programs, as PATH has them
    url: str = ""
    token: str = field(default="", repr=False)
    ca_file: str = ""
    context: str = ""
    term: str = ""
    shell: str = ""
    editor: str = ""
    identity: str = ""                  # file of a person's age identity
    runtime: str = ""                   # a folder in memory that is this person's alone
    job_token: str = field(default="", repr=False)      # an id token that the CI platform made for this job
    job_url: str = ""                   # where a job gets one, as on GitHub
    job_secret: str = field(default="", repr=False)     # with what it asks there
    display: bool = False               # whether a browser could be shown to whoever sits here
    no_color: bool = False
    force_color: bool = False
    columns: int = 0                    # of the terminal; 0 when stdout is none
    stdin_terminal: bool = False
    stdout_terminal: bool = False
    stderr_terminal: bool = False


def read_environment() -> Environment:
    """The surroundings of this process."""
    env = os.environ
    home = Path(env.get("HOME") or Path("~").expanduser())
    folder = Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "guru"
    stdout_terminal = _terminal(sys.stdout)
    return Environment(
        config=Path(env.get("GURU_CONFIG") or folder / "config.json"),
        cache=Path(env.get("XDG_CACHE_HOME") or home / ".cache") / "guru",
        home=home,
        path=env.get("PATH", ""),
        url=env.get("GURU_URL", ""),
        token=env.get("GURU_TOKEN", "").strip(),
        ca_file=env.get("GURU_CA", ""),
        context=env.get("GURU_CONTEXT", ""),
        term=env.get("TERM", ""),
        shell=env.get("SHELL", ""),
        editor=env.get("VISUAL") or env.get("EDITOR") or "",
        identity=env.get("GURU_AGE_IDENTITY", ""),
        runtime=env.get("XDG_RUNTIME_DIR", ""),
        job_token=env.get("GURU_ID_TOKEN", "").strip(),
        job_url=env.get("ACTIONS_ID_TOKEN_REQUEST_URL", ""),
        job_secret=env.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "").strip(),
        display=_terminal(sys.stderr) and "SSH_CONNECTION" not in env and (
            sys.platform in ("darwin", "win32") or bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))),
        no_color=bool(env.get("NO_COLOR")) or env.get("CLICOLOR") == "0",
        force_color=env.get("CLICOLOR_FORCE", "0") not in ("", "0"),
        columns=_columns(env.get("COLUMNS", "")) if stdout_terminal else 0,
        stdin_terminal=_terminal(sys.stdin),
        stdout_terminal=stdout_terminal,
        stderr_terminal=_terminal(sys.stderr),
    )


def handed_on(context: str, *, token: bool) -> dict[str, str]:
    """The variables for another program. A context that was asked for goes before GURU_URL, as --context does.

    Without `token` GURU_TOKEN is left out.
    """
    env = dict(os.environ)
    if context:
        env.pop("GURU_URL", None)
        env["GURU_CONTEXT"] = context
    if not token:
        env.pop("GURU_TOKEN", None)
    return env


def _terminal(stream: object) -> bool:
    try:
        return bool(getattr(stream, "isatty", lambda: False)())
    except ValueError:                  # closed
        return False


def _columns(asked: str) -> int:
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
