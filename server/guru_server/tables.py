"""Every subject's tables on the one metadata, for migrations and tests; it defines none itself."""

from __future__ import annotations

from guru_server.accounts import tables as accounts
from guru_server.alerts import tables as alerts
from guru_server.audit import tables as audit
from guru_server.events import tables as events
from guru_server.fleet import tables as fleet
from guru_server.gateway import tables as gateway
from guru_server.gitops import tables as gitops
from guru_server.hooks import tables as hooks
from guru_server.identity import tables as identity
from guru_server.inventory import tables as inventory
from guru_server.jobs import tables as jobs
from guru_server.notify import tables as notify
from guru_server.overrides import tables as overrides
from guru_server.passkeys import tables as passkeys
from guru_server.provisioning import tables as provisioning
from guru_server.reconcile import tables as reconcile
from guru_server.replays import tables as replays
from guru_server.rights import tables as rights
from guru_server.schedules import tables as schedules
from guru_server.secrets import tables as secrets
from guru_server.store import tables as store
from guru_server.store.schema import metadata
from guru_server.telemetry import tables as telemetry
from guru_server.tenants import tables as tenants
from guru_server.transfers import tables as transfers

__all__ = ["SUBJECTS", "metadata"]

SUBJECTS = (
    accounts, alerts, audit, events, fleet, gateway, gitops, hooks, identity, inventory, jobs, notify, overrides,
    passkeys, provisioning, reconcile, replays, rights, schedules, secrets, store, telemetry, tenants,
    transfers,
)
