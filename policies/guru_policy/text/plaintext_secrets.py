"""Text that looks like a secret somebody wrote down, with its place. It never repeats what it found.

The shapes of tokens are those that their makers publish for secret scanning; a key named like a password with a
plain value counts too. A line (or the one above it) with `guru:not-a-secret` is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_SCANNED = 256 << 10                 # bytes of a carried file that are looked at
MOST = 20                               # of one file
ALLOWED = b"guru:not-a-secret"
HINT = (
    "remove it and change it where it is used, as Git keeps it for ever;"
    f" if it is none, end the line with `# {ALLOWED.decode()}`"
)


class _Shape(NamedTuple):
    """A kind of token: a file without any of the words has none."""

    what: str
    words: tuple[bytes, ...]
    pattern: re.Pattern[bytes]


_SHAPES = tuple(_Shape(what, tuple(words.split()), re.compile(pattern)) for what, words, pattern in (
    ("a private key", b"PRIVATE", rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    ("an age identity", b"AGE-SECRET-KEY-1", rb"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    ("a token of this server", b"gurut_", rb"gurut_[0-9a-f]{16}_[A-Za-z0-9_-]{43}"),
    ("an AWS access key", b"AKIA ASIA", rb"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    ("a GitHub token", b"ghp_ gho_ ghu_ ghs_ ghr_", rb"\bgh[pousr]_[A-Za-z0-9]{36,}"),
    ("a GitHub token", b"github_pat_", rb"\bgithub_pat_[A-Za-z0-9_]{50,}"),
    ("a GitLab token", b"glpat- glrt- gldt- glcbt- glptt-", rb"\bgl(?:pat|rt|dt|cbt|ptt)-[A-Za-z0-9_-]{20,}"),
    ("a Slack token", b"xox", rb"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a Slack webhook", b"hooks.slack.com",
     rb"hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{16,}"),
    ("a Google API key", b"AIza", rb"\bAIza[A-Za-z0-9_-]{35}\b"),
    ("a Stripe key", b"_live_", rb"\b[rs]k_live_[A-Za-z0-9]{20,}"),
    ("a JSON web token", b".eyJ", rb"\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10}"),
    ("a password in a URL", b"://",
     rb"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>{}$]{1,100}:[^\s/@\"'<>{}$*]{3,200}@"),
))
_WORDS = (b"pass", b"secret", b"key", b"token", b"psk")
_NAMED = rb"""(?:^[ \t]*(?:-[ \t]+)*|[{,][ \t]*)["']?[A-Za-z0-9_.-]{0,80}
    (?:pass(?:word|wd|phrase)|secret|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?token|\bpsk)["']?
    [ \t]*:[ \t]+(?P<value>["'][^"'\r\n]{4,}["']|[^\s"'{\[|>&*!%@`\#$,}][^\r\n\#,}]{3,})"""
_BY_NAME = re.compile(_NAMED, re.MULTILINE | re.VERBOSE | re.IGNORECASE)
_HARMLESS = re.compile(
    rb"""["']?(?:true|false|null|~|none|required|optional|<[^>]*>|\$\{?.*)["']?\s*$""", re.IGNORECASE
)


class Found(NamedTuple):
    """Where it is, counted from 1, and what it looks like."""

    line: int
    column: int
    what: str


def plaintext_secrets(data: bytes, *, named: bool) -> Iterator[Found]:
    """What looks like a secret, 20 at most in order of place. `named` judges `password: ...` by its name too."""
    places: dict[int, str] = {}
    for shape in _SHAPES:
        if any(word in data for word in shape.words):
            places |= {found.start(): shape.what for found in shape.pattern.finditer(data)}
    lower = data.lower() if named else b""
    if any(word in lower for word in _WORDS):
        places |= {
            found.start("value"): "a secret by the name of its field"
            for found in _BY_NAME.finditer(data) if not _HARMLESS.match(found["value"])
        }
    count = 0
    for start, what in sorted(places.items()):
        if count == MOST:
            return
        begin = data.rfind(b"\n", 0, start) + 1
        above = data.rfind(b"\n", 0, max(begin - 1, 0)) + 1
        end = data.find(b"\n", start)
        if ALLOWED in data[above : end if end >= 0 else len(data)]:
            continue
        count += 1
        yield Found(data.count(b"\n", 0, start) + 1, start - begin + 1, what)

