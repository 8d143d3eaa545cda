"""A plan in a file: written whole, read back with distrust. It decides nothing about the plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from guru_policy.errors import GuruError, InputInvalid, Unsupported
from gurucli.answers import Plan
from gurucli.answers_planning import ExactPlan

MAX_BYTES = 256 << 20
MAJOR = "1"                             # of format_version: a minor one only adds


def save_plan(path: str, plan: Plan) -> None:
    """Write the plan as JSON."""
    try:
        Path(path).write_text(json.dumps(plan, ensure_ascii=False) + "\n", "utf-8")
    except OSError as cause:
        raise GuruError(f"{path} cannot be written: {cause.strerror}") from cause


def saved_plan(path: str) -> ExactPlan:
    """What the server is to be held to; InputInvalid for a file that is no saved plan."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as cause:
        raise GuruError(f"{path} cannot be read: {cause.strerror}", hint="guru plan --out writes one") from cause
    try:
        document = json.loads(data) if len(data) <= MAX_BYTES else None
    except (ValueError, RecursionError) as cause:
        raise InputInvalid(f"{path} is not JSON: it is no saved plan", hint="guru plan --out writes one") from cause
    exact = document.get("exact") if isinstance(document, dict) else None
    if not isinstance(exact, dict) or not {"base", "target", "fleet", "outcome", "devices"} <= exact.keys():
        raise InputInvalid(f"{path} is no saved plan", hint="guru plan --out writes one")
    version = exact.get("format_version")
    if not isinstance(version, str) or version.partition(".")[0] != MAJOR:
        raise Unsupported(f"{path} has format {version!r}, and this guru knows {MAJOR}.x", hint="plan again")
    return cast("ExactPlan", exact)
