"""`guru audit`: an export that proves itself without a server, and what is found in one that was altered."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_wire.audit_chain import Checkpoint, Entry, Position, chained, line_of, signed
from guru_wire.signing import public_bytes
from tests.cli.conftest import Guru
from tests.cli.double import Asked, Double, Reply

T = 1_700_000_000_000
KEY = Ed25519PrivateKey.generate()
PUBLIC = base64.b64encode(public_bytes(KEY)).decode()
Alter = Callable[[list[dict[str, Any]]], object]


def log(count: int = 9, every: int = 3) -> tuple[list[Entry], list[Checkpoint]]:
    """Rows with texts that tables change, and a checkpoint after every third."""
    bare = [Entry("main", 0, T + at, "person:ada", "LabelsChanged", f"device:d{at}", f"-role=ümläut \"{at}\"")
            for at in range(count)]
    rows, _ = chained(Position(), bare)
    return rows, [signed(KEY, "main", Position(row.seq, row.hash), T) for row in rows if row.seq % every == 0]


@pytest.fixture
def server(double: Double) -> Double:
    """A server whose log comes in pages of four."""
    rows, marks = log()

    def page(asked: Asked) -> Reply:
        after = int(asked.query.get("cursor") or 0)
        some = rows[after:after + 4]
        last = some[-1].seq
        held = [mark._asdict() for mark in marks if after < mark.seq <= last]
        return {"entries": [row._asdict() for row in some], "checkpoints": held, "root": None,
                "next": str(last) if last < len(rows) else None}

    double.answers["GET /audit/export"] = page
    return double


@pytest.fixture
def export(server: Double, guru: Guru, tmp_path: Path) -> Callable[..., str]:
    """The file of an export, altered."""
    def make(form: str = "ndjson", alter: Alter = lambda _: None) -> str:
        path = tmp_path / f"audit.{form}"
        text = guru("audit", "export", "-o", form).out
        if form == "ndjson":
            lines = [json.loads(line) for line in text.splitlines()]
            alter(lines)
            text = "".join(json.dumps(line) + "\n" for line in lines)
        path.write_text(text)
        return str(path)

    return make


def anchor(tmp_path: Path, marks: list[Checkpoint]) -> str:
    path = tmp_path / "anchor"
    path.write_text("Rows up to 9\n\n" + "".join(f"{line_of(mark)}\n" for mark in marks) + '{"at":1')
    return str(path)


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_an_export_verifies_without_a_server(form: str, export: Callable[..., str], guru: Guru) -> None:
    result = guru("audit", "verify", "--file", export(form), "-o", "json")
    told = json.loads(result.out)

    assert result.code == 0
    assert (told["ok"], told["last"], told["checkpoints"], told["signed"]) == (True, 9, 3, 9)
    assert told["keys"] == [PUBLIC]


def _exchange(lines: list[dict[str, Any]]) -> None:
    lines[0]["seq"], lines[1]["seq"] = 2, 1
    lines[0], lines[1] = lines[1], lines[0]


@pytest.mark.parametrize(("alter", "seq"), [
    (lambda lines: lines[5].update(result="nothing"), 5),
    (lambda lines: lines[0].update(actor="person:bob"), 1),
    (lambda lines: lines.pop(6), 6),
    (_exchange, 1),
    (lambda lines: lines[3].update(hash="0" * 64), 3),
    (lambda lines: lines[3].update(signature=lines[7]["signature"]), 3),
], ids=["altered", "first", "removed", "exchanged", "checkpoint", "signature"])
def test_what_was_altered_is_named_with_its_row(
    alter: Alter, seq: int, export: Callable[..., str], guru: Guru
) -> None:
    result = guru("audit", "verify", "--file", export(alter=alter), "-o", "json")
    told = json.loads(result.out)

    assert (result.code, told["ok"], told["broken"]) == (1, False, seq)
    assert "does not hold" in result.err


def test_a_log_without_its_end_holds_until_an_anchor_is_held_against_it(
    export: Callable[..., str], guru: Guru, tmp_path: Path
) -> None:
    file = export(alter=lambda lines: lines.__delitem__(slice(6, None)))
    alone = guru("audit", "verify", "--file", file)
    result = guru("audit", "verify", "--file", file, "--anchor", anchor(tmp_path, log()[1]), "-o", "json")
    told = json.loads(result.out)

    assert alone.code == 0
    assert (result.code, told["broken"]) == (1, 6)
    assert "rows 6 to 9 are missing at the end" in told["why"]


def test_a_log_written_anew_with_another_key_is_found_by_the_anchor_and_by_a_pinned_key(
    export: Callable[..., str], guru: Guru, tmp_path: Path
) -> None:
    other = base64.b64encode(public_bytes(Ed25519PrivateKey.generate())).decode()
    pinned = guru("audit", "verify", "--file", export(), "--key", other)
    forged = [signed(Ed25519PrivateKey.generate(), "main", Position(3, "f" * 64), T)]
    anchored = guru("audit", "verify", "--file", export(), "--anchor", anchor(tmp_path, forged), "-o", "json")

    assert (pinned.code, anchored.code) == (1, 1)
    assert "rows 1 to 3 were written anew" in json.loads(anchored.out)["why"]


def test_the_servers_log_is_followed_here_when_there_is_an_anchor(
    server: Double, guru: Guru, tmp_path: Path
) -> None:
    result = guru("audit", "verify", "--anchor", anchor(tmp_path, log()[1]), "-o", "json")

    assert (result.code, json.loads(result.out)["by"]) == (0, "this computer")
    assert server.requests("GET", "/audit/verification") == []


def test_a_server_that_finds_a_break_ends_the_command_with_1(double: Double, guru: Guru) -> None:
    steps = iter([{"next": "5." + "a" * 64}, {"ok": False, "broken": 7, "why": "row 7 is missing"}])

    def answer(asked: Asked) -> Reply:
        return {"ok": True, "last": 5, "checkpoints": 1, "signed": 5, "keys": [], "broken": None, "why": "",
                "anchors": [], "next": None} | next(steps)

    double.answers["GET /audit/verification"] = answer
    result = guru("audit", "verify", "-o", "json")

    assert (result.code, json.loads(result.out)["checkpoints"]) == (1, 2)
    assert "row 7 is missing" in result.err


def test_an_anchor_that_lags_is_told(double: Double, guru: Guru) -> None:
    held = {"name": "git", "place": "git@example audit", "seq": 3, "anchored_at": T, "error": "no route"}
    double.answers["GET /audit/verification"] = {
        "ok": True, "last": 5, "checkpoints": 1, "signed": 5, "keys": [], "broken": None, "why": "",
        "anchors": [held], "next": None}
    result = guru("audit", "verify")

    assert result.code == 0
    assert "git@example audit holds row 3 and no later one: no route" in result.err


def test_what_is_no_export_is_told_by_name(guru: Guru, tmp_path: Path) -> None:
    (tmp_path / "x").write_text('{"type": "else"}\n')

    result = guru("audit", "verify", "--file", str(tmp_path / "x"))

    assert result.code == 10
    assert "is not an export" in result.err


def test_rows_come_as_they_are_asked_for(double: Double, guru: Guru) -> None:
    guru("audit", "list", "--device", "web01", "--since", "1h", "--actor", "person:ada", "--limit", "7")
    guru("audit", "search", "disk")
    [first, second] = double.requests("GET", "/audit")

    assert (first.query["device"], first.query["actor"], first.query["limit"]) == ("0123456789abcdef" * 2,
                                                                                    "person:ada", "7")
    assert int(first.query["since"]) > T
    assert (second.query["text"], "since" in second.query) == ("disk", False)
