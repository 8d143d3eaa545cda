"""The table of scheduled runs: what devices told of them. Nothing else."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table

from guru_server.store.schema import key, metadata, moment, tenant

schedule_run = Table(
    "schedule_run",
    metadata,
    tenant(),
    key("device", 32),
    key("job", 32),                                         # the device's own name for the run
    Column("schedule", String(128), nullable=False),
    Column("template", String(128), nullable=False),
    moment("due_at"),                                       # the time that it was for
    Column("state", String(10), nullable=False),
    Column("ended", Boolean, nullable=False),               # final
    Column("reason", String(512), nullable=False),
    moment("started_at", nullable=True),
    moment("finished_at", nullable=True),
    Column("duration", BigInteger, nullable=True),          # ms
    Column("exit_code", BigInteger, nullable=True),
    Column("signal", Integer, nullable=True),
    Column("printed", BigInteger, nullable=False),          # bytes on both streams
    Column("out", LargeBinary, nullable=False),             # what is kept of each
    Column("err", LargeBinary, nullable=False),
    moment("recorded_at"),                                  # by the server's clock
)
Index("ix_schedule_run_tenant_recorded_at", schedule_run.c.tenant, schedule_run.c.recorded_at)
Index("ix_schedule_run_tenant_due_at", schedule_run.c.tenant, schedule_run.c.due_at)
