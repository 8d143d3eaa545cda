"""The audit log's tables: a chain of rows by tenant, its head, signed checkpoints. Rows are only ever added.

The database itself refuses to change or delete them (protecting.py). Nothing reads or writes here.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Connection, Index, String, Table, event, text

from guru_server.audit.protecting import protect
from guru_server.store.schema import key, metadata, moment, tenant


def _words(name: str, size: int) -> Column[str]:
    """A text that is empty when it does not apply."""
    return Column(name, String(size), nullable=False, server_default=text("''"))


audit = Table(
    "audit",
    metadata,
    tenant(),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),   # from 1, without gaps
    moment("at"),
    Column("actor", String(128), nullable=False),           # person:NAME | token:ID | device:ID | server
    Column("action", String(64), nullable=False),           # DeviceEnrolled, LabelsChanged, ...
    Column("object", String(256), nullable=False),
    Column("result", String(512), nullable=False),
    _words("device", 64),
    _words("customer", 64),
    _words("revision", 40),
    _words("rule", 256),                                    # of the repository, that allowed or refused it
    _words("request", 64),                                  # the id of the request
    _words("address", 64),                                  # where it came from
    Column("hash", String(64), nullable=False),             # guru_wire.audit_chain: over the row and the hash before
    Index("ix_audit_at", "tenant", "at"),
    Index("ix_audit_device", "tenant", "device"),
)

audit_head = Table(
    "audit_head",
    metadata,
    tenant(),
    Column("seq", BigInteger, nullable=False),              # of the newest row; 0: none yet
    Column("hash", String(64), nullable=False),
    Column("root", BigInteger, nullable=False),             # rows up to this checkpoint were let go by policy; 0: none
)

audit_checkpoint = Table(
    "audit_checkpoint",
    metadata,
    tenant(),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    moment("at"),
    Column("key", String(44), nullable=False),              # base64 of the public key
    Column("signature", String(88), nullable=False),        # base64
)

audit_anchor = Table(
    "audit_anchor",
    metadata,
    tenant(),
    key("name", 16),                                        # file | git
    Column("place", String(512), nullable=False),           # where it is now
    Column("seq", BigInteger, nullable=False),              # the newest checkpoint that is there
    Column("mark", String(64), nullable=False),             # git: the commit that was pushed last
    moment("anchored_at", nullable=True),
    Column("error", String(512), nullable=False),           # empty: the last try went well
)


def _made(_: object, connection: Connection, tables: Sequence[Table], **_more: object) -> None:
    """Guards come with the tables, whoever makes them; migrations bring theirs."""
    if audit in tables:
        protect(connection)


event.listen(metadata, "after_create", _made)
