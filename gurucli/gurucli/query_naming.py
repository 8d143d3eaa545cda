"""A query as the object that Git is given, so that devices ask it themselves. It writes no file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guru_policy.errors import InputInvalid
from gurucli.cli import Cli
from gurucli.sheet import Column, Sheet

if TYPE_CHECKING:
    from pydantic import JsonValue

COLUMNS = (Column("kind"), Column("name"))


def print_object(cli: Cli, name: str, sql: str, every: str, selector: str) -> None:
    """The Query of this name. InputInvalid for what would be a fault in the repository."""
    from pydantic import ValidationError

    from guru_policy.kinds.base import Metadata
    from guru_policy.kinds.query import Query
    from gurucli.yaml_text import yaml_lines

    spec: dict[str, JsonValue] = {"sql": sql, "every": every, **({"selector": selector} if selector else {})}
    try:
        Metadata.model_validate({"name": name})
        Query.model_validate(spec)
    except ValidationError as cause:
        first = cause.errors()[0]
        raise InputInvalid(
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}", hint="such as: --saved admins --every 10m",
        ) from cause
    document: dict[str, JsonValue] = {
        "apiVersion": "guru/v1", "kind": "Query", "metadata": {"name": name}, "spec": spec}
    cli.out.result(Sheet(
        [{"kind": "Query", "name": name}], COLUMNS, document=document, text=lambda _: ["---", *yaml_lines(document)]))
    cli.out.say("commit it, such as to org/queries.yaml: devices then ask it themselves")
