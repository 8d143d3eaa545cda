"""Real YAML to begin with: examples, library, starter and what the pages show. It invents nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from guru_policy.checks import CHECKS
from guru_policy.resources import RESOURCES

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
        for block in _BLOCK.findall(page.read_text()):
            text = _whole(page.stem, block)
            found.append(Sample(_place(text), text.encode()))
    return found


def _whole(kind: str, block: str) -> str:
    """A block of a page; checks and resources by their ids are put into a Policy."""
    section = "checks" if kind in CHECKS else "resources" if kind in RESOURCES else ""
    if not section or "apiVersion" in block:
        return block
    inner = "".join(f"    {line}" for line in block.splitlines(keepends=True))
    return f"apiVersion: guru/v1\nkind: Policy\nmetadata: {{name: x}}\nspec:\n  {section}:\n{inner}"


def _place(text: str) -> str:
    said = _PLACE.match(text)
    if said and not said[1].startswith("gurucli"):
        return said[1]
    kind = re.search(r"^kind: (\w+)$", text, re.MULTILINE)
    return PLACES.get(kind[1] if kind else "", "org/x.yaml")
