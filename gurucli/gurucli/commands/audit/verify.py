"""`guru audit verify`: whether the audit log holds, by the server or by this computer alone. It changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gurucli.answers_audit import AnchorRow, AuditVerified
from gurucli.cli import Cli
from gurucli.exits import Exit
from gurucli.sheet import Column, record

COLUMNS = (
    Column("ok", keep=True), Column("last", "LAST ROW", right=True), Column("signed", "SIGNED UP TO", right=True),
    Column("checkpoints", right=True), Column("broken", "BROKEN AT", right=True), Column("why", keep=True),
    Column("by", wide=True), Column("keys", wide=True), Column("anchors", wide=True),
)
EXAMPLES = (
    ("guru audit verify", "the server follows its chain"),
    ("guru audit verify --anchor /mnt/worm/guru-audit", "this computer follows it, and holds an anchor against it"),
    ("guru audit verify --file audit.ndjson --anchor checkpoints", "without a server"),
)


def run(
    ctx: typer.Context,
    file: Annotated[str, typer.Option(
        "--file", metavar="EXPORT", show_default=False, help="A file of `guru audit export`: no server.")] = "",
    anchor: Annotated[str, typer.Option(
        "--anchor", metavar="FILE", show_default=False, help="Checkpoints from outside, a line of JSON each.")] = "",
    key: Annotated[list[str] | None, typer.Option(
        "--key", metavar="BASE64", show_default=False, help="Only checkpoints of this public key count.")] = None,
) -> int:
    """Check that no row of the audit log was changed, removed or moved.

    Ends with 1 at the first row that does not hold, and says why. With --file or --anchor this computer follows the
    chain itself. Without --key it takes the word of the checkpoints for whose key they are signed with: compare it.
    """
    cli: Cli = ctx.obj
    found = _here(cli, file, anchor, tuple(key or ())) if file or anchor or key else _server(cli)
    cli.out.result(record(found, COLUMNS, name="last"))
    ok = bool(found["ok"])
    if not ok:
        cli.out.say(f"the audit log does not hold: {found['why']}")
    elif not found["signed"]:
        cli.out.note("no checkpoint was signed yet: nothing proves who wrote these rows")
    return Exit.done if ok else Exit.failure


def _server(cli: Cli) -> Mapping[str, object]:
    cursor, count = "", 0
    while True:
        step = cli.server.get(AuditVerified, "/audit/verification", cursor=cursor)
        count += step["checkpoints"]
        cursor = step.get("next") or ""
        if not cursor:
            for anchor in step["anchors"]:
                _tell(cli, anchor)
            told = {name: value for name, value in step.items() if name not in ("next", "apiVersion")}
            return {**told, "checkpoints": count, "by": "the server"}


def _here(cli: Cli, file: str, anchor: str, keys: tuple[str, ...]) -> Mapping[str, object]:
    from gurucli.auditing import anchored, follow, read, stream

    outside = anchored(Path(anchor)) if anchor else {}
    if not keys:
        keys = tuple({mark.key for marks in outside.values() for held in marks.values() for mark in held})
    done = follow(read(Path(file)) if file else stream(cli.server), keys, outside)
    newest = max((seq for marks in outside.values() for seq in marks if seq <= done.at.seq), default=0)
    return {
        "ok": done.broken is None, "last": done.at.seq, "checkpoints": done.checkpoints,
        "signed": max(done.signed, newest), "keys": sorted(done.keys),
        "broken": done.broken.seq if done.broken else None, "why": done.broken.why if done.broken else "",
        "anchors": [], "by": "this computer",
    }


def _tell(cli: Cli, anchor: AnchorRow) -> None:
    if anchor["error"]:
        cli.out.say(f"{anchor['place']} holds row {anchor['seq']} and no later one: {anchor['error']}")
