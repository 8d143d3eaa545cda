"""`guru api`: any request to the server's API, as its own answer. It adds nothing and hides nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, cast

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers import Json
from gurucli.cli import Cli
from gurucli.client import API
from gurucli.render.documents import json_document
from gurucli.sheet import Column, Row, Sheet

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
COLUMNS: tuple[Column, ...] = ()
MAX_BODY = 64 << 20
EXAMPLES = (
    ("guru api GET /devices -F limit=1", "fields of a GET become its query"),
    ("guru api POST /enrolment-tokens -F customer=acme -F site=hq -F uses=5", "fields of a POST become JSON"),
    ("guru api POST /plans --input plan.json", "a body as it is; - is stdin"),
)


def run(
    ctx: typer.Context,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="GET, POST, PUT, PATCH or DELETE.",
                                          show_default=False)],
    path: Annotated[str, typer.Argument(metavar="PATH", help="Such as /devices; /api/v1 is put before it.",
                                        show_default=False)],
    given: Annotated[list[str] | None, typer.Option(
        "-F", "--field", metavar="KEY=VALUE", help="A member; true, false, null and numbers keep their type.",
        show_default=False)] = None,
    input_file: Annotated[str, typer.Option(
        "--input", metavar="FILE", help="The JSON body; - is stdin.", show_default=False)] = "",
) -> None:
    """Send any request to the server's API.

    The answer is printed as JSON. It goes through the same sign-in, pins and exit codes as every other
    command.
    """
    cli: Cli = ctx.obj
    method = method.upper()
    if method not in METHODS:
        raise UsageWrong(f"{method!r} is not a method", hint=f"one of {', '.join(METHODS)}")
    members = dict(_field(text) for text in given or [])
    if input_file and members:
        raise UsageWrong("--input and -F exclude each other")
    body = _body(input_file) if input_file else members if members and method != "GET" else None
    query = members if method == "GET" else None
    target = "/" + path.lstrip("/").removeprefix(API.lstrip("/")).lstrip("/")
    answer = cli.server.call(method, target, query=query, body=cast("dict[str, object] | None", body))
    document: dict[str, Json] = answer if isinstance(answer, dict) else {"items": answer} if isinstance(
        answer, list) else {"value": answer}
    items = document.get("items")
    rows = [cast("Row", item) for item in items if isinstance(item, dict)] if isinstance(items, list) else [document]
    columns = [Column(key, keep=True) for key in (rows[0] if rows else ())]
    cli.out.result(Sheet(rows, columns, document=document, name="id",
                         text=lambda _: [json_document(document)]))


def _field(text: str) -> tuple[str, Json]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageWrong(f"{text!r} is not KEY=VALUE", hint="such as -F limit=5")
    try:
        typed: Json = json.loads(value)
    except ValueError:
        return key, value
    return key, typed if typed is None or isinstance(typed, bool | int | float) else value


def _body(file: str) -> Json:
    try:
        if file == "-":
            text = sys.stdin.read(MAX_BODY)
        else:
            with Path(file).open(encoding="utf-8") as opened:
                text = opened.read(MAX_BODY)
        body: Json = json.loads(text)
    except (OSError, ValueError) as cause:
        raise UsageWrong(f"{file} is not readable JSON: {cause}") from cause
    if not isinstance(body, dict):
        raise UsageWrong(f"{file} holds no JSON object")
    return body
