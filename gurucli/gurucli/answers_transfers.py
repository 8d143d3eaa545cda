"""Answers about transfers as plain rows: the shape of guru_wire.transfers without its model. A test holds it."""

from __future__ import annotations

from gurucli.answers import Answer


class Transfer(Answer):
    """A file on its way, in chunks; `size` and `sha256` of what a device sends come once it is whole."""

    id: str
    size: int | None
    sha256: str
    chunks: int
    state: str
    expires_at: int
