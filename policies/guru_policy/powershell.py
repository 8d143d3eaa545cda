"""Windows PowerShell, asked and told. It builds argument lists and runs nothing.

Scripts are one argument and hold no double quotes, so that Windows passes them on unchanged. Text of other people
goes in through `quoted`, secrets through standard input (about_PowerShell_exe, about_Quoting_Rules).
"""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.model import Carried
from guru_policy.steps import Execute

AnswerT = TypeVar("AnswerT", bound=Carried)
PROGRAM = ("powershell.exe", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-Command")
_QUOTES = "'\u2018\u2019\u201a\u201b"          # PowerShell takes all of these for a single quote


def quoted(text: str) -> str:
    """The text as a literal of PowerShell: nothing in it is expanded."""
    return "'" + "".join(letter * 2 if letter in _QUOTES else letter for letter in text) + "'"


def listed(texts: tuple[str, ...]) -> str:
    """An array of literals."""
    return f"@({', '.join(quoted(text) for text in texts)})"


async def ask(host: Host, script: str, answer: type[AnswerT]) -> AnswerT | None:
    """What the script prints as JSON; None for `null`. CannotLook when it fails or prints something else."""
    done = await host.run((*PROGRAM, script), timeout=60.0)
    if done.exit_code != 0:
        raise CannotLook(f"PowerShell failed: {' '.join(done.stderr.split())[:200]}")
    try:
        text = done.stdout.strip().removeprefix("\ufeff") or "null"
        return None if text == "null" else answer.model_validate_json(text)
    except ValidationError as cause:
        raise CannotLook("PowerShell answered in a form that cannot be read") from cause


def tell(says: str, *commands: str, secrets: bytes = b"", timeout: float = 300.0) -> Execute:
    """The step that runs the commands and stops at the first that fails; `secrets` come in on standard input."""
    script = "; ".join(("$ErrorActionPreference = 'Stop'", *commands))
    return Execute((*PROGRAM, script), timeout=timeout, system=True, stdin=secrets, says=says)
