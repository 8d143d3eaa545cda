"""GitLab's Code Quality report: shown in the widget of a merge request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from gurucli.answers import FaultLine
from gurucli.clean import clean


def gitlab(faults: Sequence[FaultLine]) -> str:
    """A list of issues; the fingerprint stays when a fault only moves within its file."""
    return json.dumps([_issue(fault) for fault in faults], indent=2)


def _issue(fault: FaultLine) -> dict[str, object]:
    path, message = clean(fault["path"]), clean(fault["message"])
    return {
        "description": message + (f" ({clean(fault['hint'])})" if fault["hint"] else ""),
        "check_name": "fleet-fault",
        "fingerprint": hashlib.sha256(f"{path}\n{message}".encode()).hexdigest(),
        "severity": "minor" if fault["severity"] == "warning" else "major",
        "location": {"path": path, "lines": {"begin": max(fault["line"], 1)}},
    }
