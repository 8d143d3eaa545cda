"""The threat model names tests that exist, for every attacker, and says where there is none."""

from __future__ import annotations

import ast
import re

from tests.arch.sources import ROOT, sources

TEXT = (ROOT / "docs/threat-model.md").read_text()
PROOF = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ATTACKERS = (
    "Compromised relay, gateway or bus", "Stolen database or backup", "Somebody who runs code in the server",
    "Malicious technician", "Compromised agent or device", "Machine in the middle", "Stolen technician's laptop",
    "Stolen server or agent disk", "Poisoned repository or forge", "Update infrastructure", "User of a device",
)


def test_every_test_that_is_named_exists() -> None:
    missing = [
        f"{path}::{name}" for path, name in PROOF.findall(TEXT)
        if not (ROOT / path).is_file() or f"def {name}(" not in (ROOT / path).read_text()
    ]

    assert missing == []


def test_every_attacker_has_a_table_and_every_row_a_proof_or_an_honest_not_yet() -> None:
    parts = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
    rows = [line for part in parts.values() for line in part.splitlines() if line.startswith("| ")]
    bare = [row for row in rows if row != "| must hold | proof |" and not PROOF.search(row) and "| not yet" not in row]

    assert [name for name in ATTACKERS if "| must hold | proof |" not in parts.get(name, "")] == []
    assert bare == []


def test_nothing_that_devices_send_is_told_in_the_audit_log() -> None:
    hot = ("/gateway/", "/telemetry/", "/alerts/", "/notify/")
    named = [
        file.path for file in sources("server")
        if any(room in file.path for room in hot) and not file.path.endswith("/api.py")     # what people ask for
        for node in ast.walk(file.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("guru_server.audit")
    ]

    assert named == []
