"""The server's answers about the audit log as plain rows: the shapes of guru_wire.audit_log without its models."""

from __future__ import annotations

from typing import TypedDict


class AuditRow(TypedDict):
    """One row as it was hashed."""

    tenant: str
    seq: int
    at: int
    actor: str
    action: str
    object: str
    result: str
    device: str
    customer: str
    revision: str
    rule: str
    request: str
    address: str
    hash: str


class AuditCheckpoint(TypedDict):
    """The audit key's signature over the hash of a row."""

    tenant: str
    seq: int
    hash: str
    at: int
    key: str
    signature: str


class AuditExport(TypedDict):
    """Rows in their order and the checkpoints among them."""

    apiVersion: str
    entries: list[AuditRow]
    checkpoints: list[AuditCheckpoint]
    root: AuditCheckpoint | None
    next: str | None


class AnchorRow(TypedDict):
    """A place outside and how far it is."""

    name: str
    place: str
    seq: int
    anchored_at: int | None
    error: str


class AuditVerified(TypedDict):
    """How far the chain was followed, and the first row at which it breaks."""

    apiVersion: str
    ok: bool
    last: int
    checkpoints: int
    signed: int
    keys: list[str]
    broken: int | None
    why: str
    anchors: list[AnchorRow]
    next: str | None
