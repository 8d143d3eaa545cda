"""Whether a foreign text holds a secret, so that it never gets into a repository. It repeats nothing of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from guru_policy.text.plaintext_secrets import plaintext_secrets

_NAME = re.compile(
    r"(?i)pass(?:wd|phrase|code)?(?:$|[^a-z])|passw|secret|token|api[_-]?key|private[_-]?key|credential|psk"
)
_SET = re.compile(
    rb"""(?ix)[\$\w.-]*(?:passw(?:or)?d|passphrase|secret|api[_-]?key|token|credential)\w*["']?\s*
    (?:=|:=|=>|:)\s*["'](?![$%{<])[^"'\r\n]{4,}["']"""
)
_TO_PLAIN = re.compile(rb"""(?i)ConvertTo-SecureString\s+(?:-String\s+)?["'](?![$%{<])[^"'\r\n]{3,}["']""")


def secret_in(text: str) -> str:
    """What a text holds that looks like a secret, in words; empty for none."""
    data = text.encode("utf-8", "replace")
    for found in plaintext_secrets(data, named=True):
        return found.what
    if _SET.search(data) or _TO_PLAIN.search(data):
        return "a secret by the name of what it is assigned to"
    return ""


def secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret."""
    return _NAME.search(name) is not None


def secret_among(values: Mapping[str, str]) -> str:
    """The name of the first variable whose value looks like a secret; empty for none."""
    for name, value in values.items():
        if value and (secret_name(name) or secret_in(value)):
            return name
    return ""
