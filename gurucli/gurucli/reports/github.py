"""GitHub workflow commands: annotations on the lines of a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from gurucli.answers import FaultLine
from gurucli.clean import clean


def github(faults: Sequence[FaultLine]) -> str:
    """One `::error` or `::warning` a fault."""
    return "\n".join(_command(fault) for fault in faults)


def _command(fault: FaultLine) -> str:
    words = [f"file={_property(fault['path'])}"]
    words += [f"{key}={number}" for key,
              number in (("line", fault["line"]), ("col", fault["column"])) if number]
    text = fault["message"] + (f" ({fault['hint']})" if fault["hint"] else "")
    return f"::{'warning' if fault['severity'] == 'warning' else 'error'} {','.join(words)}::{_data(text)}"


def _data(text: str) -> str:
    return clean(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
