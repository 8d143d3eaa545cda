"""Answers about standing queries, as the server sends them. No logic."""

from __future__ import annotations

from typing import Literal, TypedDict

Cell = str | int | float | None


class SavedQuery(TypedDict):
    """A Query in force."""

    name: str
    scope: str
    sql: str
    every: int
    results: str
    selector: str
    revision: str


class QueryHolder(TypedDict):
    """A device that told its answer."""

    id: str
    name: str
    customer: str
    site: str
    at: int
    rows: int
    cut: bool
    stale: bool
    old: bool
    problem: str


class KeptRow(TypedDict):
    """One row of a device's answer, in the order of the columns."""

    device: str
    values: list[Cell]
    since: int | None


class KeptAnswer(TypedDict):
    """What is kept of the answers to one query."""

    apiVersion: str
    name: str
    columns: list[str]
    devices: list[QueryHolder]
    rows: list[KeptRow]
    total: int
    next: str | None


class QueryChange(TypedDict):
    """A row that came or went."""

    at: int
    id: str
    name: str
    customer: str
    site: str
    change: Literal["added", "removed"]
    row: dict[str, str | int | float]
