"""Makes a job with its runs, and releases its waves: an order exists from then on. In the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, text

from guru_policy.access.asking import Decision
from guru_policy.errors import InputInvalid
from guru_policy.inventory import Device
from guru_server.audit.log import record
from guru_server.events.noting import Happening, note
from guru_server.jobs.changing import numbers
from guru_server.jobs.deciding import wave_size
from guru_server.jobs.signing import Ordered, Signer
from guru_server.jobs.tables import job, job_order, job_run
from guru_server.rights.asking import ruled
from guru_server.signer.brake import Braked
from guru_server.store.binding import whose
from guru_server.tenants.quotas import HOUR, make_room
from guru_server.transfers.using import name_it
from guru_wire.jobs import Batch
from guru_wire.link import MAX_FRAME
from guru_wire.orders import Command

MOST_ORDER = MAX_FRAME - (16 << 10)     # bytes of an order, so that its frame fits with its proof

FRAME = 512                             # bytes of an order beside its command, signed

_RELEASE = text(
    "UPDATE job_run SET number = :number, nonce = :nonce, place = :place, path = :path, changed = :changed"
    " WHERE tenant = :tenant AND job = :job AND device = :device AND state = 'queued' AND number < 0"
)

Allow = Callable[[Connection], Decision]


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job that is about to be. Times are ms UTC."""

    id: str
    actor: str
    what: str
    target: str
    command: Command
    devices: Sequence[Device]
    created_at: int
    expires_at: int
    batch: Batch
    template: str = ""
    revision: str = ""
    command_class: str = ""


def create(connection: Connection, signer: Signer, new: NewJob, allow: Allow) -> None:
    """Store the job and its runs, and release the first wave, or say why that is held by the signer's brake.

    InputInvalid when its order would be too large; Unreachable without a signer.

    `allow` is asked last: Refused, and nothing of it is there, when the sender may not.
    """
    make_room(connection, "jobs", lambda: begun_since(connection, new.created_at - HOUR))
    make_room(connection, "output", lambda: kept(connection))
    size = wave_size(new.batch.size, len(new.devices))
    first = new.devices[:size]
    quoted = json.dumps(new.command.model_dump_json(), ensure_ascii=False)
    if (len(quoted.encode()) + FRAME) * 2 > MOST_ORDER:     # it is quoted once more in its frame
        raise InputInvalid("the script and its input are too large for one order", hint="bring a file there first")
    held, orders = "", list[Ordered]()
    try:
        orders = signer.orders(
            whose(connection), new.id, new.command, [one.id for one in first],
            issued_at=new.created_at, expires_at=new.expires_at,
        )
    except Braked as braked:
        held = braked.message[:512]
    signer.keep_authority(connection, whose(connection), new.created_at)
    total = len(new.devices)
    connection.execute(job.insert().values(
        tenant=whose(connection), id=new.id, actor=new.actor, what=new.what[:256], target=new.target[:256],
        command=new.command.model_dump_json(), template=new.template, revision=new.revision,
        command_class=new.command_class,
        created_at=new.created_at, expires_at=new.expires_at, finished_at=None, timeout=new.command.timeout,
        output=new.command.output, batch=new.batch.size, max_failures=new.batch.max_failures, delay=new.batch.delay,
        waves=-(-total // size), wave=0, wave_at=new.created_at, over_at=None, stopped="", cancel=None, total=total,
        changes=total, kept=0, held=held,
    ))
    _keep_orders(connection, new.id, 0, orders)
    proofs = [
        (number, proof) for number, one in enumerate(orders) for proof in one.proofs
    ]
    rows = []
    for place, device in enumerate(new.devices):
        released = place < size and not held
        number, proof = proofs[place] if released else (-1, None)
        rows.append({
            "tenant": whose(connection), "job": new.id, "device": device.id, "name": device.name,
            "customer": device.place.customer, "site": device.place.site, "wave": place // size, "number": number,
            "nonce": proof.nonce if proof else "", "place": proof.place if proof else 0,
            "path": bytes.fromhex("".join(proof.path)) if proof else b"", "state": "queued", "reason": "",
            "ending": False, "heard": False, "sent_at": None, "started_at": None, "finished_at": None,
            "duration": None, "exit_code": None, "signal": None, "out": 0, "err": 0, "kept": 0, "digest": "",
            "changed": place + 1,
        })
    connection.execute(job_run.insert(), rows)
    _name_transfer(connection, new)
    plural = "device" if total == 1 else "devices"
    decision = allow(connection)
    note(connection, whose(connection), new.created_at, [Happening("job.created", f"job:{new.id}", {
        "job": new.id, "actor": new.actor, "what": new.what, "target": new.target, "devices": total,
        "waves": -(-total // size),
    }, job=new.id)])
    record(connection, new.created_at, new.actor, "JobCreated", f"job:{new.id}", f"{total} {plural}: {new.what}",
           **ruled(decision))


def _name_transfer(connection: Connection, new: NewJob) -> None:
    send, change = new.command.send, new.command.change
    if send is not None:
        name_it(connection, send.transfer, new.id, device=new.devices[0].id, now=new.created_at)
    elif change is not None and change.transfer:
        name_it(connection, change.transfer, new.id, device="", now=new.created_at)


def begun_since(connection: Connection, since: int) -> int:
    """How many jobs were made since then (ms UTC)."""
    lately = (job.c.tenant == whose(connection), job.c.created_at > since)
    return int(connection.execute(select(func.count()).select_from(job).where(*lately)).scalar_one())


def kept(connection: Connection) -> int:
    """The bytes of what jobs printed, as they are kept."""
    mine = job.c.tenant == whose(connection)
    return int(connection.execute(select(func.coalesce(func.sum(job.c.kept), 0)).where(mine)).scalar_one())


def release(connection: Connection, signer: Signer, row: Row[Any], now: int) -> list[str]:
    """Release the next wave of the job in `row`, or what is held of the newest; the devices that begin.

    When the brake holds it, the job says so, and nothing of the wave begins: the next look tries again.
    """
    here = (job_run.c.tenant == whose(connection), job_run.c.job == row.id)
    waiting = select(job_run.c.device).where(*here, job_run.c.state == "queued", job_run.c.number < 0)
    held = waiting.where(job_run.c.wave <= row.wave)
    again = bool(row.held) and connection.execute(held.limit(1)).first() is not None
    wave = row.wave if again else row.wave + 1
    chosen = waiting.where(job_run.c.wave == wave).order_by(job_run.c.device)
    devices = [str(one) for one in connection.execute(chosen).scalars()]
    mine = (job.c.tenant == whose(connection), job.c.id == row.id)
    command = Command.model_validate_json(row.command)
    orders: list[Ordered] = []
    if devices:
        try:
            orders = signer.orders(
                whose(connection), row.id, command, devices, issued_at=now, expires_at=row.expires_at)
        except Braked as braked:
            connection.execute(job.update().where(*mine).values(held=braked.message[:512]))
            return []
    connection.execute(job.update().where(*mine).values(wave=wave, wave_at=now, over_at=None, held=""))
    given = numbers(connection, row.id, len(devices)) if devices else None
    if given is None:
        return []
    note(connection, whose(connection), now, [Happening("job.wave", f"job:{row.id}", {
        "job": row.id, "actor": row.actor, "what": row.what, "wave": wave + 1, "waves": row.waves,
        "devices": len(devices),
    }, job=row.id)])
    newest = select(job_order.c.number).where(job_order.c.tenant == whose(connection), job_order.c.job == row.id)
    first = 1 + max(connection.execute(newest).scalars(), default=-1)
    _keep_orders(connection, row.id, first, orders)
    proofs = [(first + number, proof) for number, one in enumerate(orders) for proof in one.proofs]
    connection.execute(_RELEASE, [
        {"tenant": whose(connection), "job": row.id, "device": device, "number": number, "nonce": proof.nonce,
         "place": proof.place, "path": bytes.fromhex("".join(proof.path)), "changed": given.first + at}
        for at, (device, (number, proof)) in enumerate(zip(devices, proofs, strict=True))
    ])
    return devices


def _keep_orders(connection: Connection, job_id: str, first: int, orders: Sequence[Ordered]) -> None:
    if not orders:
        return
    connection.execute(job_order.insert(), [
        {"tenant": whose(connection), "job": job_id, "number": first + number, "signed": one.signed}
        for number, one in enumerate(orders)
    ])
