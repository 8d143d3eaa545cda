"""Has what waits signed again once the command key was replaced: orders that no device has begun, and cancellations.

What is signed says what it said before, its time and its end included: a device that was put back to an older disk
since refuses it as it would have refused the first one, and a device that began it passes it over. It decides nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select, text

from guru_server.audit.log import record
from guru_server.jobs.signing import Signer, signed_by
from guru_server.jobs.tables import job, job_order, job_run
from guru_server.store.binding import whose
from guru_wire.orders import Command, Order
from guru_wire.signing import Signed

AT_ONCE = 32                            # of one look: orders, with up to signing.GROUP devices each
_ORDERS = text(
    "SELECT DISTINCT r.job, r.number FROM job j"
    " JOIN job_run r ON r.tenant = j.tenant AND r.job = j.id"
    " JOIN job_order o ON o.tenant = r.tenant AND o.job = r.job AND o.number = r.number"
    " WHERE j.tenant = :tenant AND j.finished_at IS NULL AND j.expires_at > :now"
    " AND r.state IN ('queued', 'sent') AND r.ending = :no AND o.signed NOT LIKE :mine"
    " ORDER BY r.job, r.number LIMIT :most"
)
_CANCELS = text(
    "SELECT id FROM job WHERE tenant = :tenant AND finished_at IS NULL AND cancel NOT LIKE :mine"
    " ORDER BY id LIMIT :most"
)
_AGAIN = text(
    "UPDATE job_run SET number = :number, nonce = :nonce, place = :place, path = :path"
    " WHERE tenant = :tenant AND job = :job AND device = :device AND state IN ('queued', 'sent')"
)


class Stale(NamedTuple):
    """What another key signed: an order of a job, or its cancellation, which has no number."""

    job: str
    number: int | None


def stale(connection: Connection, key: str, now: int) -> list[Stale]:
    """Some of what waits and was not signed by the key with this id."""
    values = {"tenant": whose(connection), "mine": f"%{signed_by(key)}", "most": AT_ONCE}
    orders = connection.execute(_ORDERS, {**values, "now": now, "no": False})
    return [
        *(Stale(row.job, row.number) for row in orders),
        *(Stale(str(one), None) for one in connection.execute(_CANCELS, values).scalars()),
    ]


def renew(connection: Connection, signer: Signer, what: Stale, now: int) -> list[str]:
    """Have it signed by the key of today; the devices that are to be told. Braked or SignerAway: nothing changed."""
    tenant = whose(connection)
    row = connection.execute(select(job).where(job.c.tenant == tenant, job.c.id == what.job).with_for_update()).one()
    runs = (job_run.c.tenant == tenant, job_run.c.job == row.id, job_run.c.state.in_(("queued", "sent", "running")))
    if what.number is None:
        signed = signer.cancel(tenant, row.id, now)
        connection.execute(job.update().where(job.c.tenant == tenant, job.c.id == row.id).values(cancel=signed))
        ending = select(job_run.c.device).where(*runs, job_run.c.ending)
        return [str(one) for one in connection.execute(ending).scalars()]
    mine = (*runs, job_run.c.number == what.number, job_run.c.state != "running", ~job_run.c.ending)
    devices = [str(one) for one in connection.execute(select(job_run.c.device).where(*mine)).scalars()]
    if not devices:
        return []
    numbers = select(job_order.c.number, job_order.c.signed).where(
        job_order.c.tenant == tenant, job_order.c.job == row.id).order_by(job_order.c.number)
    orders = {one.number: one.signed for one in connection.execute(numbers)}
    before = Order.model_validate_json(Signed.model_validate_json(orders[what.number]).payload)
    [made] = signer.orders(tenant, row.id, Command.model_validate_json(row.command), devices,
                           issued_at=before.issued_at, expires_at=before.expires_at)
    number = 1 + max(orders)
    connection.execute(job_order.insert().values(tenant=tenant, job=row.id, number=number, signed=made.signed))
    connection.execute(_AGAIN, [
        {"tenant": tenant, "job": row.id, "device": device, "number": number, "nonce": proof.nonce,
         "place": proof.place, "path": bytes.fromhex("".join(proof.path))}
        for device, proof in zip(devices, made.proofs, strict=True)
    ])
    record(connection, now, "server", "OrdersSignedAgain", f"job:{row.id}",
           f"{len(devices)} of {row.total} devices: the key of orders was replaced")
    return devices
