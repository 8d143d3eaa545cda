"""Answers about devices that are held, as the server sends them. No logic."""

from __future__ import annotations

from typing import TypedDict

from gurucli.answers import Answer


class PendingRow(TypedDict):
    """A device that waits to be let in, or is in quarantine."""

    id: str
    name: str
    customer: str
    site: str
    held: str
    why: str
    since: int
    hardware: str
    alike: list[str]
    public_key: str
    enrolled_by: str


class Admitted(Answer):
    """What became of a device."""

    device: str
    name: str
    customer: str
    site: str
    held: str
