"""Examples in the pages of docs/kinds that load as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from tests.arch.sources import ROOT

from guru_policy.loading import load
from guru_policy.tree import MemoryTree

PLACES = {
    "Fleet": "", "Customer": "customers/acme/", "Site": "customers/acme/sites/berlin/", "DeviceGroup": "groups/",
    "Policy": "org/", "AlertRule": "org/", "NotificationChannel": "org/",
}
AROUND = {
    "Fleet": "spec: {}\nmetadata: {name: msp}\n",
    "Customer": "metadata: {name: acme}\nspec: {}\n",
    "Site": "metadata: {name: berlin}\nspec: {}\n",
    "NotificationChannel": "metadata: {name: noc}\nspec: {type: webhook, url: 'https://noc.example/'}\n",
}
OBJECTS = [page for page in sorted((ROOT / "docs/kinds").glob("*.md")) if "apiVersion: guru/v1" in page.read_text()]


@pytest.mark.parametrize("page", OBJECTS, ids=lambda page: page.stem)
def test_the_example_of_a_kind_loads(page: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    kind = yaml.safe_load(example)["kind"]
    files = {
        f"{PLACES[one]}{one.lower()}.yaml": f"apiVersion: guru/v1\nkind: {one}\n{text}"
        for one, text in AROUND.items()
    }
    files[f"{PLACES[kind]}{kind.lower()}.yaml"] = example

    faults = [str(fault) for fault in load(MemoryTree(files)).faults if fault.severity == "error"]
    assert faults == []


def test_every_kind_of_object_has_an_example() -> None:
    assert {yaml.safe_load(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)[0])["kind"]
            for page in OBJECTS} == set(PLACES)
