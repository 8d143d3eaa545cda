"""What one line of output says: which device answered, as GuruRMM, Salt and Ansible each write it. Pure.

A line is an answer only when the device did what it was told: a device that failed or is away has none.
"""

from __future__ import annotations

import json
import re

ANSIBLE = re.compile(r"(\S+) \| (?:(?:CHANGED|SUCCESS) \| rc=0 \||SUCCESS =>|CHANGED =>)")


def of_run(line: str) -> str | None:
    """`guru run -o ndjson`: an event of a run that succeeded."""
    event = _object(line)
    return _name(event, "name") if event.get("type") == "run" and event.get("state") == "succeeded" else None


def of_query(line: str) -> str | None:
    """`guru query -o ndjson`: a row, which says whose it is."""
    return _name(_object(line), "device")


def of_salt(line: str) -> str | None:
    """`salt --out=json --out-indent=-1`: one minion with what a silent command printed, or with a grain.

    Salt tells of trouble in text where the answer would be.
    """
    answer = _object(line)
    if len(answer) != 1:
        return None
    (name, said), = answer.items()
    return name if said == "" or (isinstance(said, dict) and said) else None


def of_ansible(line: str) -> str | None:
    """`ansible --one-line`: a host with exit code 0, or with facts."""
    found = ANSIBLE.match(line)
    return found[1] if found else None


def _object(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _name(found: dict[str, object], key: str) -> str | None:
    name = found.get(key)
    return name if isinstance(name, str) and name else None
