"""The tables of reconcile: revisions, what is in force, manifests, runs. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, Text

from guru_server.store.schema import key, metadata, moment, tenant

revision = Table(
    "revision",
    metadata,
    tenant(),
    key("revision", 40),
    Column("seq", BigInteger, nullable=False),              # grows with every attempt
    Column("parent", String(40), nullable=True),
    Column("author", Text, nullable=False),
    Column("subject", Text, nullable=False),
    moment("seen_at"),
    moment("finished_at", nullable=True),
    Column("outcome", String(16), nullable=False),          # operator.RevisionRow.outcome
    Column("reason", Text, nullable=False),
    Column("devices_changed", BigInteger, nullable=False),
    Column("faults", Text, nullable=False),                 # JSON array of operator.FaultLine
    Column("signature", String(16), nullable=False, server_default="unchecked"),     # operator.RevisionRow.signature
    Column("signer", Text, nullable=False, server_default=""),
)
Index("ix_revision_seq", revision.c.tenant, revision.c.seq)

# What is in force for one customer: a pair of revisions, and what stands in the way of a newer one.
customer_source = Table(
    "customer_source",
    metadata,
    tenant(),
    key("customer"),
    Column("org_revision", String(40), nullable=True),
    Column("customer_revision", String(40), nullable=True),
    Column("held", String(40), nullable=True),              # the revision that could not come into force
    Column("reason", Text, nullable=False),
    Column("faults", Text, nullable=False),
    moment("since"),
)

# The revision that somebody rolled back to, until a commit comes whose tree is none of those held.
pin = Table(
    "pin",
    metadata,
    tenant(),
    key("revision", 40),
    Column("held", Text, nullable=False),                   # JSON array of [revision, tree]
    Column("actor", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    moment("since"),
)

manifest = Table(
    "manifest",
    metadata,
    tenant(),
    key("device", 32),
    Column("serial", BigInteger, nullable=False),
    Column("revision", String(40), nullable=False),
    Column("bundle", String(64), nullable=False),
    Column("blobs", Text, nullable=False),                  # JSON array of digests
    Column("sealed", String(64), nullable=False, server_default=""),    # digest of its sealed secrets; empty: none
    Column("signed", Text, nullable=False),                 # JSON of guru_wire.signing.Signed
    moment("issued_at"),
    moment("expires_at"),
)
Index("ix_manifest_revision", manifest.c.tenant, manifest.c.revision)

bundle = Table("bundle", metadata, tenant(), key("digest"), Column("data", LargeBinary, nullable=False))

blob = Table(
    "blob",
    metadata,
    tenant(),
    key("digest"),
    Column("size", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

device_fault = Table(
    "device_fault",
    metadata,
    tenant(),
    key("device", 32),
    Column("faults", Text, nullable=False),
    moment("since"),
)

run = Table(
    "run",
    metadata,
    tenant(),
    key("device", 32),
    key("run", 32),
    moment("finished_at"),
    Column("body", Text, nullable=False),                   # JSON of operator.RunSummary
)
Index("ix_run_finished", run.c.tenant, run.c.device, run.c.finished_at)

refusal = Table(
    "refusal",
    metadata,
    tenant(),
    key("device", 32),
    key("cause", 16),                                       # of code, message and serial: once each
    moment("first_at"),
    moment("at"),
    Column("times", BigInteger, nullable=False),
    Column("code", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("serial", BigInteger, nullable=True),
)
