"""What people ask of jobs, carried out: choose devices, make the job, cancel it, run it once more. No HTTP."""

from __future__ import annotations

import math
import shlex
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, select

from guru_policy.access.asking import Decision
from guru_policy.errors import InputInvalid, NotFound, Refused
from guru_policy.file_rules import plain_path
from guru_policy.inventory import Device
from guru_policy.selector import parse
from guru_server.audit.log import record
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.events.noting import Happening, note
from guru_server.fleet.finding import Labels, matching
from guru_server.fleet.inventory import Inventory, among
from guru_server.fleet.reading import known, resolve
from guru_server.gateway.orders import TOPIC
from guru_server.jobs import store
from guru_server.jobs.changing import Conclusion, conclude
from guru_server.jobs.creating import NewJob, create
from guru_server.jobs.putting import changed
from guru_server.jobs.recording import NEWS
from guru_server.jobs.seeing import FILES, acting_for, devices_of
from guru_server.jobs.signing import Signer
from guru_server.jobs.tables import job, job_run
from guru_server.jobs.templates import Found, Templates, command_of
from guru_server.rights.asking import Rights, Sight, ruled
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_server.transfers.using import empty_of
from guru_wire.files import MAX_READ, FileAsk, FileLook
from guru_wire.jobs import Batch, JobCancelled, JobMade, JobRequest, Rerun
from guru_wire.orders import MAX_OUTPUT, Command

MOST_WAVES = 1_000
AD_HOC = "ad-hoc"                       # the class of commands that no template has
FRAMING = 256 << 10                     # bytes around the rows of a query
SAID = 1 << 10                          # bytes of what a device prints of a file that it sent
STARTING = 10                           # seconds for the process that answers a query to start and to end


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes of jobs work with."""

    db: Database
    bus: Bus
    clock: Clock
    signer: Signer
    labels: Callable[[], Awaitable[Labels]]
    templates: Templates


async def order(desk: Desk, ask: JobRequest, rights: Rights) -> JobMade:
    """Make the job that is asked for. NotFound when nobody matches, Refused when too many do, or one it may not."""
    if bool(ask.device) == bool(ask.selector.strip()):
        raise InputInvalid("a job is for one device or for a selector", hint="give one of both")
    labels, reading = await desk.labels(), await rights.sight("device.read")
    devices = await desk.db.read(lambda connection: _chosen(connection, ask, labels, reading))
    _bound(len(devices), ask.max_devices)
    if not devices:
        raise NotFound(f"no device matches {ask.selector}", hint="`guru device list -l ...` tries a selector out")
    command, found = await _command(desk, ask, devices)
    if found is not None:
        await _seconded(rights, found, devices)
    if ask.file is not None:
        command = await _look_at(desk, rights, ask.file, ask.timeout, devices)
    if ask.change is not None:
        command = await changed(desk.db, rights, ask.change, ask.stdin, ask.timeout, devices)
    now = desk.clock()
    new = NewJob(
        id=uuid.uuid4().hex, actor=rights.actor, what=_what(ask), target=ask.device or ask.selector, command=command,
        devices=devices, created_at=now, expires_at=now + ask.expires * 1000, batch=_batch(ask.batch, len(devices)),
        template=ask.template, revision=found.revision if found else "",
        command_class=found.template.command_class if found else _class_of(ask),
    )
    return await _make(desk, new, rights)


async def cancel(desk: Desk, ref: str, rights: Rights) -> JobCancelled:
    """End what runs of a job, and let nothing of it begin any more: on all of its devices, or on none."""
    now, actor = desk.clock(), rights.actor
    reading = await rights.sight("device.read")
    sights = {verb: await rights.sight(verb) for verb in ("command.run", "query.run", "file.get", "file.put")}
    await desk.signer.ready()

    def work(connection: Connection) -> tuple[JobCancelled, list[str]]:
        row = store.find(connection, ref, reading)
        command = Command.model_validate_json(row.command)
        verb, command_class = acting_for(command, row.command_class)
        acting = sights[verb]
        about_file = command.file or command.change or command.send
        rights.around = rights.around._replace(path=about_file.path if about_file else None)
        devices, gone = devices_of(connection, row.id)
        allow = partial(acting.require, devices=devices, about=f"job:{row.id}", command_class=command_class, gone=gone)
        allow(None)
        mine = (job.c.tenant == whose(connection), job.c.id == row.id)
        connection.execute(select(job.c.id).where(*mine).with_for_update())
        signed = row.cancel or desk.signer.cancel(whose(connection), row.id, now)
        stop = row.stopped or f"cancelled by {actor.removeprefix('person:')}"
        here = (job_run.c.tenant == whose(connection), job_run.c.job == row.id)
        waiting = connection.execute(select(job_run.c.device).where(*here, job_run.c.state == "queued")).scalars().all()
        conclude(connection, row.id, [Conclusion(one, "queued", "cancelled", stop) for one in waiting], now)
        begun = (*here, job_run.c.state.in_(("sent", "running")))
        ending = list(connection.execute(select(job_run.c.device).where(*begun)).scalars())
        connection.execute(job_run.update().where(*begun).values(ending=True))
        if waiting or ending:                           # a job that was over was not stopped by this
            connection.execute(job.update().where(*mine).values(cancel=signed, stopped=stop))
        note(connection, whose(connection), now, [Happening("job.cancelled", f"job:{row.id}", {
            "job": row.id, "actor": actor, "what": row.what, "waited": len(waiting), "ran": len(ending),
        }, job=row.id)])
        record(connection, now, actor, "JobCancelled", f"job:{row.id}", f"{len(waiting)} waited, {len(ending)} ran",
               **ruled(allow(connection)))
        return JobCancelled(job=row.id, cancelled=len(waiting), ending=len(ending)), ending

    done, ending = await desk.db.write(work)
    await desk.bus.publish(TOPIC, ending)
    await desk.bus.publish(NEWS, [done.job])
    return done


async def rerun(desk: Desk, ref: str, ask: Rerun, rights: Rights) -> JobMade:
    """The same command once more, as a new job. NotFound when there is nothing to run again.

    A job on devices out of sight is run again on the others.
    """
    reading = await rights.sight("device.read")

    def look(connection: Connection) -> tuple[NewJob, int]:
        row = store.find(connection, ref, reading)
        if row.command_class == FILES:
            raise InputInvalid("a look at a file, or a change of one, is not repeated",
                               hint="ask anew: `guru cat`, `guru cp`")
        again = set(store.unsuccessful(connection, row.id, ask.failed))
        known_here = Inventory(whose(connection)).read(connection)
        devices = [one for one in known_here if one.id in again and reading.sees(one)]
        now = desk.clock()
        return NewJob(
            id=uuid.uuid4().hex, actor=rights.actor, what=row.what, target=f"job {row.id[:8]}", created_at=now,
            command=Command.model_validate_json(row.command), devices=devices, expires_at=now + ask.expires * 1000,
            batch=Batch(size=row.batch, max_failures=row.max_failures, delay=row.delay), template=row.template,
            revision=row.revision, command_class=row.command_class,
        ), len(devices)

    new, count = await desk.db.read(look)
    if not count:
        raise NotFound("no device of that job ended without success", hint="`guru job show` lists how they ended")
    _bound(count, ask.max_devices)
    if new.template:
        found = await desk.templates.one(new.template, {one.place.customer for one in new.devices})
        await _seconded(rights, found, new.devices)
    return await _make(desk, new, rights)


async def _make(desk: Desk, new: NewJob, rights: Rights) -> JobMade:
    verb, command_class = acting_for(new.command, new.command_class)
    acting = await rights.sight(verb)
    total = len(new.devices)
    said = f"{new.what} on {total} {'device' if total == 1 else 'devices'}"
    allow = partial(acting.require, about=f"job:{new.id}", command_class=command_class, said=said)
    allow(None, new.devices)

    def still(connection: Connection) -> Decision:
        """The same of the devices as they are now: one may have been labelled since it was looked up."""
        present = among(connection, whose(connection), [one.id for one in new.devices])
        here = {one.id for one in present}
        return allow(connection, present, gone=[one for one in new.devices if one.id not in here])

    await desk.signer.ready()
    await desk.db.write(partial(create, signer=desk.signer, new=new, allow=still))
    await desk.bus.publish(TOPIC, [one.id for one in new.devices])
    row = await desk.db.read(lambda connection: store.by_id(connection, new.id))
    return JobMade(job=store.job_row(row, {"queued": total}), next=total)


async def _seconded(rights: Rights, found: Found, devices: Sequence[Device]) -> None:
    """Refused when the template asks for a second person, and none has agreed."""
    wanted, template = found.template.approval, found.template
    if wanted is not None and len(devices) > wanted.more_than:
        acting = await rights.sight("command.run")
        said = f"script {found.item.name} on {len(devices)} device{'s' if len(devices) > 1 else ''}"
        acting.require_second(devices, wanted.role, said, command_class=template.command_class)


async def _command(desk: Desk, ask: JobRequest, devices: Sequence[Device]) -> tuple[Command, Found | None]:
    """The command, and the template that it is from."""
    ways = [bool(ask.argv), ask.script is not None, bool(ask.template), ask.query is not None, ask.look is not None,
            ask.file is not None, ask.change is not None]
    if sum(ways) != 1:
        raise InputInvalid("a job has a command, a script, a template, a query, a look, a file or a change",
                           hint="give one of them")
    if ask.template:
        found = await desk.templates.one(ask.template, {one.place.customer for one in devices})
        _fitting(found.template.os, devices)
        script = await desk.templates.script_of(found)
        return command_of(found.template, script, ask.params), found
    if ask.query is not None:
        most = min(MAX_OUTPUT, ask.query.limits.bytes + FRAMING)
        return Command(query=ask.query, timeout=math.ceil(ask.query.limits.seconds) + STARTING, output=most), None
    return Command(
        argv=ask.argv, shell=ask.shell, script=ask.script, look=ask.look, about=ask.about, stdin=ask.stdin,
        cwd=ask.cwd, run_as=ask.run_as, timeout=ask.timeout, output=ask.output,
    ), None


async def _look_at(
    desk: Desk, rights: Rights, ask: FileAsk, timeout: int, devices: Sequence[Device]
) -> Command:
    """The order of a look at one device's file, with the rules by which the device judges where the path leads."""
    if len(devices) != 1:
        raise InputInvalid("a look at a file is for one device", hint="name it")
    path = plain_path(ask.path + "/" if ask.op == "list" else ask.path)
    if ask.op != "list" and path.endswith("/"):
        raise InputInvalid(f"{path} is a folder", hint="`guru ls` lists it")
    if ask.part is not None and (ask.op != "read" or ask.lines or ask.follow):
        raise InputInvalid("a part is of a file, and is neither lines nor followed")
    if (ask.op == "send") != bool(ask.transfer) or (ask.op == "send" and (ask.lines or ask.follow)):
        raise InputInvalid("what is sent is a whole file, and names a transfer")
    rights.around = rights.around._replace(path=path)
    rules = (await rights.sight("file.get")).files(devices[0])
    look = FileLook(
        op=ask.op, path=path, lines=ask.lines, follow=ask.follow, part=ask.part, transfer=ask.transfer,
        allow=rules.allow, deny=rules.deny)
    if ask.op == "send":
        await desk.db.read(partial(empty_of, name=ask.transfer, actor=rights.actor))
        return Command(send=look, timeout=timeout, output=SAID)
    return Command(file=look, timeout=timeout, output=MAX_READ)


def _class_of(ask: JobRequest) -> str:
    if ask.file is not None or ask.change is not None:
        return FILES
    return "" if ask.query or ask.look else AD_HOC


def _fitting(platforms: Sequence[str], devices: Sequence[Device]) -> None:
    """Refused when a device says that it is of a platform which the template is not for."""
    others = [one.name for one in devices if platforms and str(one.facts.get("os", "")) not in (*platforms, "")]
    if others:
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        raise Refused(
            f"the template is for {', '.join(platforms)}, and {', '.join(others[:3])}{more} "
            f"{'is' if len(others) == 1 else 'are'} something else",
            hint=f"narrow the selector: -l '...,os in ({','.join(platforms)})'",
        )


def _chosen(connection: Connection, ask: JobRequest, labels: Labels, sight: Sight) -> list[Device]:
    if ask.device:
        return [known(connection, whose(connection), resolve(connection, whose(connection), ask.device, sight)).device]
    return matching(connection, whose(connection), parse(ask.selector), labels, sight)


def _bound(count: int, most: int) -> None:
    if count > most:
        raise Refused(
            f"that would run on {count} devices and {most} are allowed",
            hint=f"look at them first, then allow them: --max-devices {count}",
        )


def _batch(batch: Batch, total: int) -> Batch:
    """InputInvalid for a batch so small that it would take for ever."""
    if not batch.size.endswith("%") and total > int(batch.size) * MOST_WAVES:
        raise InputInvalid(f"batches of {batch.size} make more than {MOST_WAVES} of {total} devices")
    return batch


def _what(ask: JobRequest) -> str:
    """What a person reads in lists and in the audit log."""
    if ask.template:
        return " ".join([f"script {ask.template}", *(f"{name}={value}" for name, value in sorted(ask.params.items()))])
    if ask.query is not None:
        return f"query {' '.join(ask.query.sql.split())}"
    if ask.file is not None and ask.file.part is not None:
        return f"cp {ask.file.path} from byte {ask.file.part.start}"
    if ask.file is not None and ask.file.op == "send":
        return f"cp {ask.file.path}"
    if ask.file is not None:
        word = "ls" if ask.file.op == "list" else "tail" if ask.file.lines or ask.file.follow else "cat"
        return f"{word} {ask.file.path}"
    if ask.change is not None:
        return f"{'cp to' if ask.change.op == 'put' else 'rm'} {ask.change.path}"
    if ask.look:
        return f"{ask.look} diagnose {ask.about}".rstrip()
    if ask.argv:
        return shlex.join(ask.argv)
    first = next(iter((ask.script or "").strip().splitlines()), "")
    return f"{ask.shell or 'shell'}: {first}"
