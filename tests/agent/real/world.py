"""Tells a throw-away machine what to do and hands back what it answered. Nothing on this machine changes."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
INSIDE = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private"]
Action = dict[str, Any]


def tell(*actions: Action, blobs: tuple[bytes, ...] = ()) -> list[Any]:
    """The answers, one an action."""
    named = {hashlib.sha256(blob).hexdigest(): base64.b64encode(blob).decode() for blob in blobs}
    done = subprocess.run(
        [*INSIDE, sys.executable, "-m", "tests.agent.real.inside"], cwd=ROOT, capture_output=True, text=True,
        timeout=120, input=json.dumps({"blobs": named, "actions": actions}),
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


def converge(kind: str, **spec: object) -> Action:
    """Bring a resource about."""
    return {"converge": {"kind": kind, **spec}}


def run(*argv: str) -> Action:
    """Run a program."""
    return {"run": argv}


def write(path: str, text: str) -> Action:
    """Write a file as somebody else would."""
    return {"path": path, "write": text}


def read(path: str) -> Action:
    """A file's text, None when there is none."""
    return {"path": path}


def done(answer: dict[str, Any]) -> bool:
    """Whether steps were carried out and nothing is left to do."""
    return bool(answer["steps"]) and not answer["left"] and not answer["error"]


NOTHING = {"steps": [], "left": [], "error": ""}
