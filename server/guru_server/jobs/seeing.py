"""Which runs of jobs somebody may read, and which jobs they know by that. It decides no right itself.

A job is known to whoever may read one of its devices; of its other devices nothing is told, nor how many there are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, text

from guru_policy.inventory import Device, Place
from guru_server.fleet.inventory import Inventory
from guru_server.rights.asking import Sight
from guru_server.store.binding import whose
from guru_wire.jobs import JobRow
from guru_wire.orders import Command
from guru_wire.running import State

FILES = "#file"                         # the class of looks at files and changes of them, which no rule can name
PARTLY = "devices of which you may see a part"
_PLACES = text("SELECT DISTINCT customer, site FROM job_run WHERE tenant = :tenant")
_RUNS = "SELECT job, device, name, customer, site, state FROM job_run WHERE tenant = :tenant"
_OF_CUSTOMERS = text(_RUNS + " AND customer IN :customers").bindparams(bindparam("customers", expanding=True))
_OF_JOB = text(_RUNS + " AND job = :job")


class Acting(NamedTuple):
    """The verb that a job takes, and the class that rules about commands go by (None: they have none)."""

    verb: str
    command_class: str | None


class Seen(NamedTuple):
    """The devices of a job in sight, and how their runs stand; `whole` when there are no others."""

    devices: Collection[str]
    counts: Mapping[State, int]
    whole: bool

    def row(self, job: JobRow) -> JobRow:
        """The job as it may be told."""
        if self.whole:
            return job
        return job.model_copy(update={
            "total": len(self.devices), "counts": dict(self.counts), "target": PARTLY,
        })


def acting_for(command: Command, command_class: str) -> Acting:
    """What making, ending and repeating a job with this command takes; a class that is not known fits no rule."""
    if command.file is not None or command.send is not None:
        return Acting("file.get", None)
    if command.change is not None:
        return Acting("file.put", None)
    looks = command.query is not None or command.look is not None
    return Acting("query.run", None) if looks else Acting("command.run", command_class or None)


def of_job(connection: Connection, job: str, sight: Sight) -> Seen:
    """What of one job is in sight."""
    rows = connection.execute(_OF_JOB, {"tenant": whose(connection), "job": job}).all()
    return _seen(rows, sight, _known(connection, sight))


def of_all(connection: Connection, sight: Sight) -> dict[str, Seen]:
    """What of every job is in sight, by its id; those of which nothing is are left out."""
    places = connection.execute(_PLACES, {"tenant": whose(connection)}).all()
    customers = sorted({one.customer for one in places if sight.place(one.customer, one.site) is not False})
    if not customers:
        return {}
    by_job: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(_OF_CUSTOMERS, {"tenant": whose(connection), "customers": customers}):
        by_job[row.job].append(row)
    known = _known(connection, sight)
    found = {job: _seen(rows, sight, known)._replace(whole=False) for job, rows in by_job.items()}
    return {job: seen for job, seen in found.items() if seen.devices}


def of_some(connection: Connection, jobs: Collection[str], sight: Sight) -> Mapping[str, bool]:
    """Of these jobs those of which something is in sight, and whether all of it is."""
    known = _known(connection, sight) if jobs else {}
    found = {
        job: _seen(connection.execute(_OF_JOB, {"tenant": whose(connection), "job": job}).all(), sight, known)
        for job in sorted(jobs)
    }
    return {job: seen.whole for job, seen in found.items() if seen.devices}


def devices_of(connection: Connection, job: str) -> tuple[list[Device], list[Device]]:
    """The devices of a job as they are now, and those that are gone as far as the job knows them."""
    rows = connection.execute(_OF_JOB, {"tenant": whose(connection), "job": job}).all()
    known = {one.id: one for one in Inventory(whose(connection)).read(connection)}
    gone = [
        Device(row.device, row.name, Place(row.customer, row.site), {}, {})
        for row in rows if row.device not in known
    ]
    return [known[row.device] for row in rows if row.device in known], gone


def _known(connection: Connection, sight: Sight) -> Mapping[str, Device]:
    return {} if sight.whole else {one.id: one for one in Inventory(whose(connection)).read(connection)}


def _seen(rows: Sequence[Row[Any]], sight: Sight, known: Mapping[str, Device]) -> Seen:
    mine = rows if sight.whole else [
        row for row in rows if sight.sees_at(Place(row.customer, row.site), known.get(row.device))
    ]
    return Seen(frozenset(row.device for row in mine), Counter(row.state for row in mine), len(mine) == len(rows))
