"""A commit as people write it, in full: by the work tree here, or by what the server has seen. Changes nothing."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import cast

from guru_policy.errors import NotFound, UsageWrong
from gurucli.answers import RevisionRow
from gurucli.client import Client

SEEN = 500                              # newest commits of the server that a prefix is looked for in
GIT_SECONDS = 10.0
_FULL, _START = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{4,39}")


def full(server: Client, text: str, folder: Path) -> str:
    """40 hex digits. NotFound when nobody knows that commit, UsageWrong when several begin so."""
    if _FULL.fullmatch(text):
        return text
    if here := _in_work_tree(text, folder):
        return here
    if not _START.fullmatch(text):
        raise NotFound(f"there is no commit, branch or tag {text!r} in the Git work tree here",
                       hint="go into the fleet repository, or name the commit itself")
    found = {row["revision"] for page in server.pages("/revisions", limit=SEEN)
             for row in cast("list[RevisionRow]", page["items"]) if row["revision"].startswith(text)}
    if len(found) > 1:
        raise UsageWrong(f"several commits begin with {text}", hint="write more of its digits")
    if not found:
        raise NotFound(f"neither the server nor the folder here knows a commit that begins with {text}",
                       hint="write all 40 digits, or fetch it first")
    return found.pop()


def _in_work_tree(text: str, folder: Path) -> str:
    """The commit that Git here takes it for; empty when it knows none, or there is no work tree."""
    if text.startswith("-"):
        return ""
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), "rev-parse", "--quiet", "--verify",
               "--end-of-options", f"{text}^{{commit}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_SECONDS, check=False,
                              stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return ""
    answer = done.stdout.strip()
    return answer if not done.returncode and _FULL.fullmatch(answer) else ""
