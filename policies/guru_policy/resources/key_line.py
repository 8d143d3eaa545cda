"""A line of authorized_keys as sshd(8) reads it: options, type, key, comment. It only reads text."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

TYPES = frozenset({
    "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
})


class KeyLine(NamedTuple):
    """`blob` is the key in base64; `options` is empty when there are none."""

    options: str
    type: str
    blob: str


def read_key_line(line: str) -> KeyLine | None:
    """The line's key; None for comments and for what sshd would not take."""
    options, rest = "", line.strip()
    if not rest or rest.startswith("#"):
        return None
    if rest.split(None, 1)[0] not in TYPES:
        options, rest = split_options(rest)
    words = rest.split(None, 2)
    if len(words) < 2 or words[0] not in TYPES or not _is_key(words[0], words[1]):
        return None
    return KeyLine(options, words[0], words[1])


def split_options(text: str) -> tuple[str, str]:
    """The options and what follows their first space outside quotes; the rest is empty when quotes stay open."""
    quoted = escaped = False
    for index, letter in enumerate(text):
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = quoted
        elif letter == '"':
            quoted = not quoted
        elif letter in " \t" and not quoted:
            return text[:index], text[index:].strip()
    return text, ""


def _is_key(name: str, blob: str) -> bool:
    """Whether the key says inside what its line says outside (RFC 4253, 6.6)."""
    try:
        data = base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        return False
    length = int.from_bytes(data[:4], "big")
    return data[4 : 4 + length] == name.encode() and len(data) > 4 + length
