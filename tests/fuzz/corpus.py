"""Real YAML to begin with: examples, library, starter and what the pages show. It invents nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FOLDERS = ("examples", "policies/library", "gurucli/gurucli/starter")
_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACE = re.compile(r"# (\S+\.ya?ml)")
PLACES = {
    "Fleet": "fleet.yaml", "Customer": "customers/acme/customer.yaml", "Site": "customers/acme/sites/hq/site.yaml",
    "DeviceGroup": "groups/x.yaml",
}


class Sample(NamedTuple):
    """A file and the place in a repository that it may stand at."""

    path: str
    data: bytes


def samples() -> list[Sample]:
    """Every sample, in an order that is always the same."""
    found = [Sample(_place(path.read_text()), path.read_bytes()) for folder in FOLDERS
             for path in sorted((ROOT / folder).rglob("*.yaml"))]
    for page in sorted((ROOT / "docs").rglob("*.md")):
        found += [Sample(_place(block), block.encode()) for block in _BLOCK.findall(page.read_text())]
    return found


def _place(text: str) -> str:
    said = _PLACE.match(text)
    if said and not said[1].startswith("gurucli"):
        return said[1]
    kind = re.search(r"^kind: (\w+)$", text, re.MULTILINE)
    return PLACES.get(kind[1] if kind else "", "org/x.yaml")
