"""What is in force as files, as plain rows: the shapes of guru_wire.exporting without its models. A test holds them."""

from __future__ import annotations

from typing import TypedDict


class ExportedFile(TypedDict):
    """A file of the fleet repository, and the commit that it is in force from."""

    path: str
    blob: str
    size: int
    executable: bool
    revision: str


class ExportedCustomer(TypedDict):
    """The pair of revisions in force for a customer."""

    customer: str
    org_revision: str | None
    revision: str | None
    note: str


class LeftOut(TypedDict):
    """Something that an export cannot hold, and why."""

    path: str
    reason: str


class Export(TypedDict):
    """One page of the files; `state` is the same on every page of one export."""

    apiVersion: str
    state: str
    base: str
    customers: list[ExportedCustomer]
    left_out: list[LeftOut]
    items: list[ExportedFile]
    total: int
    next: str | None


class Contents(TypedDict):
    """Base64 by blob id."""

    apiVersion: str
    contents: dict[str, str]
