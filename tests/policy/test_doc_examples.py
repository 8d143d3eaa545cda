"""Whole objects that pages of docs/ show load as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.policy.writing import fleet

DOCS = Path(__file__).parents[2] / "docs"
HEREDOC = re.compile(r"^cat > fleet/(\S+) <<'YAML'\n(.*?)^YAML$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CHANNEL = """apiVersion: guru/v1
kind: NotificationChannel
metadata: {name: NAME}
spec: {type: webhook, url: "https://hooks.example/x"}
"""
# The pages of kinds show objects that stand on others: test_examples.py loads them with what is around them.
WHOLE = [(page.relative_to(DOCS).as_posix(), body) for page in sorted(DOCS.rglob("*.md"))
         if page.parent.name != "kinds"
         for body in BLOCK.findall(page.read_text()) if "\nkind: " in f"\n{body}" and "apiVersion:" in body]


def place(body: str) -> str:
    """Where the block says that it stands, in its first comment; org/ without one."""
    found = re.match(r"# (\S+\.ya?ml)", body)
    return found[1] if found else "org/example.yaml"


@pytest.mark.parametrize(("page", "body"), WHOLE, ids=[page for page, _ in WHOLE])
def test_an_object_on_a_page_has_no_fault(page: str, body: str) -> None:
    files: dict[str, bytes | str | None] = {place(body): body}
    files |= dict.fromkeys(re.findall(r"file: (\S+\.age)", body), b"age-encryption.org/v1\n")
    if "kind: NotificationChannel" not in body:
        for name in set(re.findall(r"notify: \[(.*?)\]", body)):
            files |= {f"org/{one}.yaml": CHANNEL.replace("NAME", one) for one in name.split(", ")}

    faults = [str(fault) for fault in fleet(files).faults if fault.severity == "error"]
    assert faults == [], page


def test_the_files_of_getting_started_make_a_fleet_without_faults() -> None:
    written = dict(HEREDOC.findall((DOCS / "getting-started.md").read_text()))
    files: dict[str, bytes | str | None] = dict(written)

    assert {"fleet.yaml", "org/motd.yaml", "org/alerts.yaml"} <= files.keys()
    assert [str(fault) for fault in fleet(files).faults] == []
