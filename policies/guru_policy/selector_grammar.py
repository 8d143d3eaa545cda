"""The text of a selector to its requirements. It reads, and matches nothing.

    selector = [ term *( "," term ) ]
    term     = "@" value [ "/" value ] / "!" key / key / key "in" "(" values ")" / key "notin" "(" values ")"
             / key ( "=" / "==" / "!=" ) value / key ( ">=" / "<=" / ">" / "<" ) number
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from guru_policy.conditions import NAMESPACES, OWN_KEYS, Pattern, Requirement
from guru_policy.errors import InputInvalid
from guru_policy.quantities import shown

MAX_LENGTH = 4096

_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<op>==|!=|>=|<=|[=<>!,()@])|"(?P<double>[^"]*)"|'(?P<single>[^']*)'"""
    r"""|(?P<word>[^\s,()=!<>@"']+)"""
)
_KEY = re.compile(r"(?:(?:git|op|fact)/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62})", re.ASCII)


class _Token(NamedTuple):
    kind: str                           # op, word, quoted, end
    text: str
    column: int


def requirements_of(text: str) -> tuple[Requirement, ...]:
    """The requirements of a selector, all of which must hold. Raises InputInvalid."""
    if len(text) > MAX_LENGTH:
        raise InputInvalid(f"a selector of {len(text)} characters is too long", hint=f"at most {MAX_LENGTH}")
    grammar = _Grammar(text)
    if grammar.token.kind == "end":
        return ()
    found = grammar.term()
    while grammar.token.kind != "end":
        grammar.expect(",", "`,` between two conditions")
        found += grammar.term()
    return tuple(found)


class _Grammar:
    """A recursive descent over the tokens."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self.tokenize(text)
        self.index = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.index]

    def tokenize(self, text: str) -> list[_Token]:
        tokens, at = [], 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise self.wrong(at + 1, "a quote is never closed", "close it, or leave it out")
            kind = found.lastgroup or ""
            if kind != "space":
                value = found[kind]
                tokens.append(_Token("quoted" if kind in ("double", "single") else kind, value, at + 1))
            at = found.end()
        return [*tokens, _Token("end", "", len(text) + 1)]

    def wrong(self, column: int, message: str, hint: str = "") -> InputInvalid:
        return InputInvalid(f"selector {shown(self.text)}, column {column}: {message}", hint=hint)

    def expect(self, op: str, wanted: str) -> None:
        if (token := self.token).kind != "op" or token.text != op:
            what = "the end" if token.kind == "end" else shown(token.text)
            raise self.wrong(token.column, f"expected {wanted}, found {what}")
        self.index += 1

    def takes(self, *ops: str) -> str:
        """The operator at hand, when it is one of these; else nothing, and nothing is taken."""
        token = self.token
        if token.kind == "op" and token.text in ops:
            self.index += 1
            return token.text
        return ""

    def term(self) -> list[Requirement]:
        if self.takes("@"):
            return self.place()
        if self.takes("!"):
            return [Requirement(self.key(), "absent")]
        key = self.key()
        if self.token.kind == "word" and self.token.text in ("in", "notin"):
            op = self.token.text
            self.index += 1
            return [Requirement(key, op, self.values())]
        if self.takes("=", "=="):
            return [Requirement(key, "in", (self.value(),))]
        if self.takes("!="):
            return [Requirement(key, "notin", (self.value(),))]
        if op := self.takes(">=", "<=", ">", "<"):
            return [Requirement(key, op, number=self.number())]
        return [Requirement(key, "exists")]

    def place(self) -> list[Requirement]:
        token = self.token
        customer, slash, site = self.value().text.partition("/")
        if not customer or (slash and not site) or "/" in site:
            raise self.wrong(token.column, "expected a customer, or customer/site, after `@`")
        found = [Requirement("customer", "in", (Pattern(customer),))]
        return [*found, Requirement("site", "in", (Pattern(site),))] if site else found

    def key(self) -> str:
        token = self.token
        if token.kind != "word":
            what = "the end" if token.kind == "end" else shown(token.text)
            raise self.wrong(token.column, f"expected a label's key, found {what}", "such as ring=canary")
        if not _KEY.fullmatch(token.text):
            namespace = token.text.partition("/")[0]
            if "/" in token.text and namespace not in NAMESPACES:
                raise self.wrong(
                    token.column, f"{shown(namespace)} is no namespace of labels", "one of git, op, fact"
                )
            raise self.wrong(token.column, f"{shown(token.text)} is not a label's key")
        self.index += 1
        return token.text

    def value(self) -> Pattern:
        token = self.token
        if token.kind not in ("word", "quoted"):
            what = "the end" if token.kind == "end" else shown(token.text)
            raise self.wrong(token.column, f"expected a value, found {what}", 'quote an empty one: ""')
        self.index += 1
        return Pattern(token.text, literal=token.kind == "quoted")

    def values(self) -> tuple[Pattern, ...]:
        self.expect("(", "`(` and a list of values")
        found = [self.value()]
        while self.takes(","):
            found.append(self.value())
        self.expect(")", "`,` or `)`")
        return tuple(found)

    def number(self) -> float:
        token = self.token
        if token.kind == "word" and not token.text.lower().startswith(("nan", "inf", "+inf", "-inf", "+nan")):
            try:
                number = float(token.text)
            except ValueError:
                number = math.inf
            if math.isfinite(number):
                self.index += 1
                return number
        raise self.wrong(token.column, "expected a number to compare with", "such as fact/ram_gb>=16")


def is_label_key(key: str) -> bool:
    """Whether a key without its namespace may name a label, and is none of the device's own words."""
    return "/" not in key and key not in OWN_KEYS and _KEY.fullmatch(key) is not None
