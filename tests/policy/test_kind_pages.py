"""Every kind has a page that names all its fields, with an example that loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from guru_policy.checks import CHECKS
from guru_policy.resources import RESOURCES

PAGES = Path(__file__).parents[2] / "docs" / "kinds"
KINDS: dict[str, type[BaseModel]] = {**CHECKS, **RESOURCES}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_page_names_every_field_and_shows_an_example_that_loads(kind: str) -> None:
    page = (PAGES / f"{kind}.md").read_text()
    fields = {field.alias or name for name, field in KINDS[kind].model_fields.items()} - {"kind"}
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (spec,) = yaml.safe_load(example).values()

    assert fields == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert KINDS[kind].model_validate(spec).model_dump()["kind"] == kind
