"""The table of scheduled runs: what devices told of them. Nothing else."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, false, text

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
    Column("uncounted", Boolean, nullable=False, server_default=false()),   # its end is to be counted for the audit log
    Column("ending", Boolean, nullable=False, server_default=false()),      # its device is to end it
    Column("cancel", Text, nullable=True),                  # the signed cancellation
)
Index("ix_schedule_run_tenant_recorded_at", schedule_run.c.tenant, schedule_run.c.recorded_at)
Index("ix_schedule_run_tenant_due_at", schedule_run.c.tenant, schedule_run.c.due_at)
Index(
    "ix_schedule_run_uncounted", schedule_run.c.tenant, schedule_run.c.due_at,
    sqlite_where=text("uncounted"), postgresql_where=text("uncounted"),
)
Index(
    "ix_schedule_run_ending", schedule_run.c.tenant, schedule_run.c.device,
    sqlite_where=text("ending"), postgresql_where=text("ending"),
)
