"""Wires the agents' links, for a whole server and for a gateway's own process. It decides nothing."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.fleet.changing import record_facts
from guru_server.gateway.app import Gateway
from guru_server.gateway.ingest import Stage
from guru_server.gateway.orders import Way
from guru_server.inventory.recording import recorder as inventory_recorder
from guru_server.inventory.recording import wanted
from guru_server.jobs.delivering import orders_of, waited_for
from guru_server.jobs.recording import recorders as job_recorders
from guru_server.reconcile.downlink import blob_of, manifest_of
from guru_server.reconcile.refusals import refusal_recorder
from guru_server.reconcile.reports import report_recorder
from guru_server.store.database import Database
from guru_server.telemetry.recording import recorders
from guru_server.transfers.carrying import Carrying


def gateway_of(
    db: Database, bus: Bus, clock: Clock, *, link_key: Ed25519PrivateKey, trust: int, stage: Stage, chunks: Carrying
) -> Gateway:
    """The gateway, with everybody who takes what devices say."""
    return Gateway(
        db, bus, link_key=link_key, trust=trust, manifest_of=manifest_of, blob_of=blob_of, lacking=wanted,
        orders=Way(waited_for, orders_of), now=clock, stage=stage, chunks=chunks,
        recorders={
            **recorders(clock), "facts": record_facts, "report": report_recorder(clock),
            "refusal": refusal_recorder(clock), "inventory": inventory_recorder(clock), **job_recorders(clock),
        },
    )
