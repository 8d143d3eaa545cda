"""A small JSONPath, as kubectl users write it: `.items[*].name`, `{.items[?(@.state=="Unknown")].name}`.

Understood: `$` and `@`, `.name`, `['name']`, `..name`, `*`, `[n]`, `[-1]`, `[a:b]`, and filters with
`==  !=  <  <=  >  >=` against a number, a string, true, false or null, or the mere presence `[?(@.run)]`.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from guru_policy.errors import UsageWrong
from gurucli.answers import Json

_TOKEN = re.compile(
    r"(?P<deep>\.\.)(?P<deepname>[\w/-]+|\*)"
    r"|\.(?P<name>[\w/-]+|\*)"
    r"|\[(?P<index>-?\d+)\]"
    r"|\[(?P<slice>-?\d*:-?\d*)\]"
    r"|\[(?P<star>\*)\]"
    r"|\[(?P<quote>['\"])(?P<key>(?:(?!(?P=quote)).)*)(?P=quote)\]"
    r"|\[\?\((?P<filter>(?:[^()'\"]|'[^']*'|\"[^\"]*\")*)\)\]"
)
_FILTER = re.compile(r"\s*@(?P<path>[^=!<>\s]*)\s*(?:(?P<op>==|!=|<=|>=|<|>)\s*(?P<value>.+?))?\s*")
_COMPARE: dict[str, Callable[[Any, Any], object]] = {     # of operands that passes() has found comparable
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}
MAX_DEPTH = 64


class Step(NamedTuple):
    """One step of a path: what it does, on what."""

    kind: str
    value: str


def jsonpath(expression: str) -> Callable[[Json], Iterator[Json]]:
    """The compiled expression, from a document to its matches; UsageWrong when it is not understood."""
    text = expression.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
    steps = _parsed(text.removeprefix("$"), expression)
    return lambda document: _walk(document, steps, expression)


def _parsed(text: str, whole: str) -> list[Step]:
    if text and text[0] not in ".[":
        text = "." + text
    steps, at = [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise UsageWrong(
                f"the jsonpath {whole!r} is not understood from {text[at:]!r} on",
                hint="write it like .items[*].name or .items[?(@.online==true)].name",
            )
        at = found.end()
        group = found.lastgroup or ""
        if found["deep"]:
            steps.append(Step("deep", found["deepname"]))
        elif found["key"] is not None:
            steps.append(Step("name", found["key"]))
        else:
            steps.append(Step("star", "*") if found[group] == "*" else Step(group, found[group]))
    return steps


def _walk(node: Json, steps: list[Step], whole: str) -> Iterator[Json]:
    if not steps:
        yield node
        return
    for child in _children(node, steps[0], whole):
        yield from _walk(child, steps[1:], whole)


def _children(node: Json, step: Step, whole: str) -> Iterator[Json]:
    if step.kind == "deep":
        yield from _deep(node, step.value, 0)
    elif step.kind == "star":
        yield from (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
    elif step.kind == "name":
        if isinstance(node, dict) and step.value in node:
            yield node[step.value]
    elif step.kind == "filter":
        test = _test(step.value, whole)
        yield from (child for child in (node if isinstance(node, list) else ()) if test(child))
    elif isinstance(node, list):
        if step.kind == "slice":
            first, _, last = step.value.partition(":")
            yield from node[int(first) if first else None:int(last) if last else None]
        elif -len(node) <= int(step.value) < len(node):
            yield node[int(step.value)]


def _deep(node: Json, name: str, depth: int) -> Iterator[Json]:
    if depth > MAX_DEPTH:
        return
    if isinstance(node, dict):
        for key, child in node.items():
            if name in (key, "*"):
                yield child
            yield from _deep(child, name, depth + 1)
    elif isinstance(node, list):
        for child in node:
            if name == "*":
                yield child
            yield from _deep(child, name, depth + 1)


def _test(text: str, whole: str) -> Callable[[Json], bool]:
    found = _FILTER.fullmatch(text)
    if found is None:
        raise UsageWrong(f"the filter in {whole!r} is not understood",
                         hint='write it like [?(@.state=="Unknown")]')
    steps = _parsed(found["path"], whole)
    if not found["op"]:
        return lambda node: next(_walk(node, steps, whole), None) is not None
    wanted, compare = _literal(found["value"], whole), _COMPARE[found["op"]]

    def passes(node: Json) -> bool:
        for value in _walk(node, steps, whole):
            ordered = found["op"] in ("==", "!=") or (
                isinstance(value, int | float | str) and isinstance(wanted, str) == isinstance(value, str)
                and wanted is not None)
            return bool(ordered and compare(value, wanted))
        return False

    return passes


def _literal(text: str, whole: str) -> Json:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    try:
        value: Json = json.loads(text)
    except ValueError:
        value = []
    if isinstance(value, list | dict):
        hint = 'compare with a number, a "string", true, false or null'
        raise UsageWrong(f"{text!r} in {whole!r} is not a value", hint=hint)
    return value
