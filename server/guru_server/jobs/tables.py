"""The tables of jobs: what was ordered, for whom, how each run stands, what it printed. Nothing else."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from guru_server.store.schema import key, metadata, moment, tenant

job = Table(
    "job",
    metadata,
    tenant(),
    key("id", 32),
    Column("actor", String(128), nullable=False),
    Column("what", String(256), nullable=False),            # for people
    Column("target", String(256), nullable=False),          # as it was asked for
    Column("command", Text, nullable=False),                # guru_wire.orders.Command as JSON
    Column("template", String(128), nullable=False),        # empty: none
    Column("command_class", String(64), nullable=False, server_default=""),     # empty: none, or not known
    Column("revision", String(40), nullable=False),
    moment("created_at"),
    moment("expires_at"),
    moment("finished_at", nullable=True),                   # every run has ended
    Column("timeout", Integer, nullable=False),             # seconds
    Column("output", Integer, nullable=False),              # bytes kept of each run
    Column("batch", String(8), nullable=False),
    Column("max_failures", Integer, nullable=False),
    Column("delay", Integer, nullable=False),               # seconds between two waves
    Column("waves", Integer, nullable=False),
    Column("wave", Integer, nullable=False),                # the newest that was released
    moment("wave_at"),                                      # when
    moment("over_at", nullable=True),                       # when that wave was over
    Column("stopped", String(256), nullable=False),
    Column("cancel", Text, nullable=True),                  # the signed cancellation
    Column("held", String(512), nullable=False, server_default=""),     # why its newest wave is not signed
    Column("total", Integer, nullable=False),
    Column("changes", BigInteger, nullable=False),          # the newest number given to a change of this job
    Column("kept", BigInteger, nullable=False),             # bytes of output and of the rows that hold it
)
Index("ix_job_tenant_created_at", job.c.tenant, job.c.created_at)

job_order = Table(
    "job_order",
    metadata,
    tenant(),
    key("job", 32),
    Column("number", Integer, primary_key=True),
    Column("signed", Text, nullable=False),                 # guru_wire.signing.Signed as JSON
)

job_run = Table(
    "job_run",
    metadata,
    tenant(),
    key("job", 32),
    key("device", 32),
    Column("name", String(63), nullable=False),
    Column("customer", String(63), nullable=False),
    Column("site", String(63), nullable=False),
    Column("wave", Integer, nullable=False),
    Column("number", Integer, nullable=False),              # of its order; -1: not released
    Column("nonce", String(32), nullable=False),
    Column("place", Integer, nullable=False),
    Column("path", LargeBinary, nullable=False),            # 32 bytes a step
    Column("state", String(10), nullable=False),
    Column("reason", String(512), nullable=False),
    Column("ending", Boolean, nullable=False),              # its device is to end it
    Column("heard", Boolean, nullable=False),               # its device told the end: final
    moment("sent_at", nullable=True),
    moment("started_at", nullable=True),
    moment("finished_at", nullable=True),
    Column("duration", BigInteger, nullable=True),          # ms
    Column("exit_code", BigInteger, nullable=True),
    Column("signal", Integer, nullable=True),
    Column("out", BigInteger, nullable=False),
    Column("err", BigInteger, nullable=False),
    Column("kept", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("changed", BigInteger, nullable=False),          # the number of its newest change
)
Index("ix_job_run_tenant_device_state", job_run.c.tenant, job_run.c.device, job_run.c.state)
Index("ix_job_run_tenant_job_changed", job_run.c.tenant, job_run.c.job, job_run.c.changed)

job_output = Table(
    "job_output",
    metadata,
    tenant(),
    key("job", 32),
    key("device", 32),
    key("stream", 3),                                       # out | err
    Column("position", BigInteger, primary_key=True),       # bytes of the stream before this piece
    Column("number", BigInteger, nullable=False),           # of the change
    Column("data", LargeBinary, nullable=False),
)
Index("ix_job_output_tenant_job_number", job_output.c.tenant, job_output.c.job, job_output.c.number)

job_authority = Table(
    "job_authority",
    metadata,
    tenant(),
    key("key", 44),                                         # the command key's public half, base64
    Column("signed", Text, nullable=False),                 # guru_wire.signing.Signed as JSON
    moment("issued_at"),
    moment("expires_at"),
)
