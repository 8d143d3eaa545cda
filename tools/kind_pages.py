"""The table of fields in a kind's page, made from the kind's model. It leaves the rest of the page alone."""

from __future__ import annotations

import re

from pydantic import BaseModel

from guru_policy.checks import CHECKS
from guru_policy.kinds import KINDS, models_of
from guru_policy.resources import RESOURCES
from guru_policy.schema.describing import FieldRow, rows

BEGIN = "<!-- fields: made by `make docs` from the model -->"
END = "<!-- end of fields -->"
PAGES = {re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower(): kind for kind in KINDS}
"""Page name to kind, of the kinds of objects; checks and resources are called like their pages."""


def with_fields(page: str, text: str) -> str:
    """The page with its table as the model says; a page without the marks comes back as it is."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        return text
    return f"{head}{BEGIN}\n{table(page)}{END}{tail}"


def table(page: str) -> str:
    """The fields of the page's kind, a row each; what stands deeper has a dotted path."""
    lines = ["| field | type | default | means |", "|---|---|---|---|"]
    lines += [_line(row) for row in rows(_models(page)) if row.path != "kind"]
    return "\n".join(lines) + "\n"


def _models(page: str) -> tuple[type[BaseModel], ...]:
    if page in PAGES:
        return models_of(PAGES[page])
    return (CHECKS.get(page) or RESOURCES[page],)


def _line(row: FieldRow) -> str:
    kind = row.type
    if row.allowed and kind.endswith("word"):
        kind = kind.removesuffix("word") + ", ".join(f"`{word}`" for word in row.allowed)
    default = "required" if row.required else f"`{row.default}`" if row.default else ""
    return f"| `{row.path}` | {_cell(kind)} | {_cell(default)} | {_cell(row.description)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
