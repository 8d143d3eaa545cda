"""What a newer OpenAPI document takes away from those who use an older one. Pure.

Taken away is: an operation, a member of an answer, a value or type that a request took; and what a request needs now.
An answer may grow, a request may take more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Spec = dict[str, Any]


def breaking(old: Spec, new: Spec) -> list[str]:
    """One line for each, sorted."""
    return sorted(set(_paths(old, new)))


def _paths(old: Spec, new: Spec) -> Iterator[str]:
    for path, ways in old["paths"].items():
        for way, before in ways.items():
            after, name = new["paths"].get(path, {}).get(way), f"{way.upper()} {path}"
            if after is None:
                yield f"{name} is gone"
                continue
            for one in _needed(before, after):
                yield f"{name}: {one}"
            sides = _Sides(old, new)
            yield from sides.sent(name, before, after)
            for code, answer in before.get("responses", {}).items():
                if code.startswith("2"):
                    told = after.get("responses", {}).get(code)
                    if told is None:
                        yield f"{name}: it answers {code} no more"
                    else:
                        yield from sides.compare(name, _schema(answer), _schema(told), answer=True)


def _needed(before: Spec, after: Spec) -> Iterator[str]:
    had = {(one["in"], one["name"]): one for one in before.get("parameters", ())}
    for place, one in {(one["in"], one["name"]): one for one in after.get("parameters", ())}.items():
        if one.get("required") and not had.get(place, {}).get("required"):
            yield f"the parameter {place[1]} is needed now"
    gone = had.keys() - {(one["in"], one["name"]) for one in after.get("parameters", ())}
    yield from (f"the parameter {name} is gone" for _, name in gone)


class _Sides:
    """Two documents, whose references are followed; each pair of named schemas is compared once."""

    def __init__(self, old: Spec, new: Spec) -> None:
        self._old, self._new = old, new
        self._seen: set[tuple[str, str, bool]] = set()

    def sent(self, name: str, before: Spec, after: Spec) -> Iterator[str]:
        """What is asked in bodies."""
        had, has = before.get("requestBody", {}), after.get("requestBody", {})
        if has.get("required") and not had.get("required"):
            yield f"{name}: a body is needed now"
        if had and has:
            yield from self.compare(f"{name} body", _schema(had), _schema(has), answer=False)

    def compare(self, at: str, old: Spec, new: Spec, *, answer: bool) -> Iterator[str]:
        """What the newer schema takes away; of an answer or of what is sent."""
        pair = (str(old.get("$ref")), str(new.get("$ref")), answer)
        if "$ref" in old and pair in self._seen:
            return
        self._seen.add(pair)
        old, new = _real(old, self._old), _real(new, self._new)
        yield from self._values(at, old, new, answer)
        had, has = old.get("properties", {}), new.get("properties", {})
        for name in had.keys() - has.keys():
            yield f"{at}: the member {name} is gone"
        if answer:
            for name in set(old.get("required", ())) & has.keys() - set(new.get("required", ())):
                yield f"{at}: the member {name} may be left out now"
        else:
            for name in set(new.get("required", ())) - set(old.get("required", ())):
                yield f"{at}: the member {name} is needed now"
        for name in had.keys() & has.keys():
            yield from self.compare(f"{at}.{name}", had[name], has[name], answer=answer)
        if "items" in old and "items" in new:
            yield from self.compare(f"{at}[]", old["items"], new["items"], answer=answer)
        for before, after in zip(old.get("anyOf", ()), new.get("anyOf", ()), strict=False):
            yield from self.compare(at, before, after, answer=answer)

    def _values(self, at: str, old: Spec, new: Spec, answer: bool) -> Iterator[str]:
        kinds, others = _kinds(old, self._old), _kinds(new, self._new)
        lost = others - kinds if answer else kinds - others
        if kinds and others and lost:
            yield f"{at}: {', '.join(sorted(lost))} is {'answered now' if answer else 'taken no more'}"
        if not answer and "enum" in old and "enum" in new:
            for value in old["enum"]:
                if value not in new["enum"]:
                    yield f"{at}: the value {value} is taken no more"
        for bound, sign in (("maxLength", 1), ("maximum", 1), ("maxItems", 1), ("minLength", -1), ("minimum", -1)):
            if not answer and bound in new and (bound not in old or sign * new[bound] < sign * old[bound]):
                yield f"{at}: {bound} is {new[bound]} now"


def _schema(part: Spec) -> Spec:
    content: Spec = next(iter(part.get("content", {}).values()), {})
    found: Spec = content.get("schema", {})
    return found


def _real(schema: Spec, spec: Spec) -> Spec:
    while "$ref" in schema:
        schema = spec["components"]["schemas"].get(schema["$ref"].rpartition("/")[2], {})
    return schema


def _kinds(schema: Spec, spec: Spec) -> set[str]:
    if "anyOf" in schema:
        return {kind for one in schema["anyOf"] for kind in _kinds(_real(one, spec), spec)}
    return {str(schema["type"])} if "type" in schema else set()
