"""What people's programs and the server say of the audit log under /api/v1. Times are ms UTC; fields only grow."""

from __future__ import annotations

from guru_policy.model import Carried
from guru_wire.operator import Answer


class AuditRow(Carried):
    """One row as it was hashed (guru_wire.audit_chain); texts are empty when they do not apply."""

    tenant: str
    seq: int
    at: int
    actor: str
    action: str
    object: str
    result: str
    device: str = ""
    customer: str = ""
    revision: str = ""
    rule: str = ""
    request: str = ""
    address: str = ""
    hash: str


class AuditCheckpoint(Carried):
    """The audit key's signature over the hash of a row. Key and signature are base64."""

    tenant: str
    seq: int
    hash: str
    at: int
    key: str
    signature: str


class AuditExport(Answer):
    """Rows in their order and the checkpoints among them; `next` continues, absent at the end.

    `root` is the checkpoint at which what is left of the chain begins, on the first page and when there is one.
    """

    entries: tuple[AuditRow, ...]
    checkpoints: tuple[AuditCheckpoint, ...]
    root: AuditCheckpoint | None = None
    next: str | None = None


class AnchorRow(Carried):
    """A place outside: which row's checkpoint is there since when, and why no later one. Empty error: all is well."""

    name: str
    place: str
    seq: int
    anchored_at: int | None
    error: str = ""


class AuditVerified(Answer):
    """How far the chain was followed, and the first row at which it breaks; `next` continues when it goes on."""

    ok: bool
    last: int                           # the row that was reached
    checkpoints: int                    # that were checked in this step
    signed: int                         # the row of the newest checkpoint of all; 0: none
    keys: tuple[str, ...]               # base64 of the public keys that count
    broken: int | None = None
    why: str = ""
    anchors: tuple[AnchorRow, ...] = ()
    next: str | None = None
