"""Lets old jobs go, with their runs and what those printed. It touches none that is open."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from guru_server.jobs.seeing import FILES
from guru_server.jobs.tables import job, job_order, job_output, job_run
from guru_server.store.binding import whose
from guru_wire.orders import Command

MOST = 50                               # jobs in one transaction: the rest goes in the next round


def forget_jobs(connection: Connection, before: int) -> int:
    """Drop jobs that finished before a time (ms UTC); how many."""
    here = (job.c.tenant == whose(connection), job.c.finished_at < before)
    old = list(connection.execute(select(job.c.id).where(*here).order_by(job.c.finished_at).limit(MOST)).scalars())
    for table in (job_output, job_order, job_run):
        connection.execute(delete(table).where(table.c.tenant == whose(connection), table.c.job.in_(old)))
    connection.execute(delete(job).where(job.c.tenant == whose(connection), job.c.id.in_(old)))
    return len(old)


def forget_files(connection: Connection, before: int) -> int:
    """Drop what files held: what looks brought, and what changes put, of those that finished before a time (ms UTC).

    How many pieces and orders.
    """
    over = select(job.c.id).where(
        job.c.tenant == whose(connection), job.c.command_class == FILES, job.c.finished_at < before)
    pieces = connection.execute(
        delete(job_output).where(job_output.c.tenant == whose(connection), job_output.c.job.in_(over))).rowcount
    return pieces + _forget_content(connection, before)


def _forget_content(connection: Connection, before: int) -> int:
    mine = (job.c.tenant == whose(connection), job.c.command_class == FILES, job.c.finished_at < before)
    signed = select(job_order.c.job).where(job_order.c.tenant == whose(connection))
    over = connection.execute(select(job.c.id, job.c.command).where(*mine, job.c.id.in_(signed)).limit(MOST)).all()
    for row in over:
        bare = Command.model_validate_json(row.command).model_copy(update={"stdin": ""})
        connection.execute(job.update().where(job.c.tenant == whose(connection), job.c.id == row.id).values(
            command=bare.model_dump_json(exclude_defaults=True)))
        connection.execute(delete(job_order).where(job_order.c.tenant == whose(connection), job_order.c.job == row.id))
    return len(over)
