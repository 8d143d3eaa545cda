"""SARIF 2.1.0, as GitHub code scanning reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from guru_wire.version import VERSION
from gurucli.answers import FaultLine
from gurucli.clean import clean

RULE = "fleet-fault"


def sarif(faults: Sequence[FaultLine]) -> str:
    """One run with one rule; regions only where the line is known."""
    driver = {"name": "guru", "version": VERSION, "rules": [
        {"id": RULE, "shortDescription": {"text": "A fault in the fleet repository"}}]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints",
           "results": [_result(f) for f in faults]}
    return json.dumps({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
                       "runs": [run]},
                      indent=2)


def _result(fault: FaultLine) -> dict[str, object]:
    location: dict[str, object] = {"artifactLocation": {"uri": quote(clean(fault["path"]))}}
    if fault["line"]:
        location["region"] = {"startLine": fault["line"]} | (
            {"startColumn": fault["column"]} if fault["column"] else {})
    text = clean(fault["message"]) + (f" ({clean(fault['hint'])})" if fault["hint"] else "")
    return {"ruleId": RULE, "level": fault["severity"], "message": {"text": text},
            "locations": [{"physicalLocation": location}]}
