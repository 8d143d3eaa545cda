"""The tables of the fleet: devices, and how each was last seen. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, Text, false

from guru_server.store.schema import key, metadata, moment, tenant

device = Table(
    "device",
    metadata,
    tenant(),
    key("id", 32),
    Column("name", String(63), nullable=False),             # unique in its site, unless revoked
    Column("customer", String(63), nullable=False),
    Column("site", String(63), nullable=False),
    Column("public_key", String(44), nullable=False),       # base64 of 32 bytes
    Column("sealing_key", String(44), nullable=False, server_default=""),   # base64; what its secrets are sealed to
    Column("op_labels", Text, nullable=False),              # JSON object, without the prefix
    Column("facts", Text, nullable=False),                  # JSON object
    Column("services", Text, nullable=False),               # JSON array
    moment("facts_at", nullable=True),
    Column("agent_version", String(40), nullable=False),
    Column("enrolled_by", String(32), nullable=False),      # the enrolment token
    moment("enrolled_at"),
    moment("revoked_at", nullable=True),
    Column("held", String(16), nullable=False, server_default=""),          # pending | quarantined; empty: as any
    Column("held_why", String(200), nullable=False, server_default=""),
    moment("held_at", nullable=True),                       # when `held` or `rotate_asked` last changed
    Column("hardware", String(64), nullable=False, server_default=""),      # a digest that the device said: a hint
    moment("key_at", nullable=True),                        # when the key was renewed; else it is from enrolment
    Column("rotate_asked", Boolean, nullable=False, server_default=false()),
)
Index(
    "uq_device_place",
    device.c.tenant, device.c.customer, device.c.site, device.c.name,
    unique=True,
    sqlite_where=device.c.revoked_at.is_(None),
    postgresql_where=device.c.revoked_at.is_(None),
)
Index(                                                  # gateways look for newly revoked devices often
    "ix_device_revoked",
    device.c.tenant, device.c.revoked_at,
    sqlite_where=device.c.revoked_at.is_not(None),
    postgresql_where=device.c.revoked_at.is_not(None),
)

Index(                                                  # and for those that were held or let go
    "ix_device_held_at",
    device.c.tenant, device.c.held_at,
    sqlite_where=device.c.held_at.is_not(None),
    postgresql_where=device.c.held_at.is_not(None),
)
Index("ix_device_hardware", device.c.tenant, device.c.hardware)
Index("ix_device_enrolled_by", device.c.tenant, device.c.enrolled_by)

# One row a device, made at enrolment, changed often: apart from `device`, so that its pages stay small.
# The gateway keeps last_seen, connected and agent_version; reconcile the serials and what a report says.
device_state = Table(
    "device_state",
    metadata,
    tenant(),
    key("device", 32),
    moment("last_seen", nullable=True),                     # the newest frame, handshake or poll
    Column("connected", String(64), nullable=True),         # the gateway that holds its link
    Column("agent_version", String(40), nullable=False),
    Column("heartbeat", BigInteger, nullable=False),        # seconds, as the device was told
    Column("desired_serial", BigInteger, nullable=False),   # of its newest manifest; 0: none
    Column("desired_revision", String(64), nullable=True),
    Column("applied_serial", BigInteger, nullable=False),   # of its newest run; 0: none
    Column("applied_revision", String(64), nullable=True),
    Column("converged", Boolean, nullable=True),            # its newest run left everything as it should be
    moment("run_at", nullable=True),                        # when that run ended
    moment("state_since", nullable=True),                   # when serials or `converged` last changed
    Column("run", Text, nullable=True),                     # JSON of operator.RunSummary
    # Of a manifest that it holds and this database does not know; the next manifest's serial is above it.
    Column("ahead_serial", BigInteger, nullable=False, server_default="0"),
    Column("processes", Text, nullable=False, server_default=""),   # JSON: the runs of its agent that were seen
)

# Keys that were a device's and never will be again. Nothing of this is ever deleted.
key_tombstone = Table(
    "key_tombstone",
    metadata,
    tenant(),
    key("public_key", 44),
    Column("device", String(32), nullable=False),
    Column("why", String(16), nullable=False),              # revoked | denied | rotated | replaced
    moment("at"),
)

# What held and revoked devices sent: one row a kind, so bounded; nothing reads it but people.
withheld = Table(
    "withheld",
    metadata,
    tenant(),
    key("device", 32),
    key("kind", 16),
    Column("count", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("excerpt", Text, nullable=False),                # of the newest: 2 KB of plain text
    moment("first_at"),
    moment("last_at"),
)
