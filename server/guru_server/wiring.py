"""Puts the rooms together: every subject gets what it needs, once. It decides nothing and starts nothing."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from guru_policy.errors import Refused
from guru_server import leases
from guru_server.accounts import api as accounts_api
from guru_server.accounts import device_api
from guru_server.accounts import users_api as accounts_users
from guru_server.accounts.desk import Desk as AccountDesk
from guru_server.accounts.lobby import Lobby
from guru_server.accounts.sealing import Seal
from guru_server.accounts.tokens import Minter
from guru_server.alerts import api as alerts_api
from guru_server.alerts.from_sources import FromSources
from guru_server.alerts.loop import Alerts
from guru_server.anchors.branch import BranchAnchor
from guru_server.anchors.file import FileAnchor
from guru_server.api import health
from guru_server.api.app import make_app
from guru_server.api.edge import Edge
from guru_server.api.once import Keeping
from guru_server.api.pacing import Kind, Limits, Pace
from guru_server.api.replaying import replay
from guru_server.audit import api as audit_api
from guru_server.audit.health import signed_lately
from guru_server.audit.marking import Anchor, Marker, Rhythm
from guru_server.audit.repeated import Repeated
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.doctor import probes
from guru_server.events import api as events_api
from guru_server.events.presence import Presence
from guru_server.federation import api as federation_api
from guru_server.federation.exchanging import Exchange
from guru_server.federation.issuers import Issuers
from guru_server.fleet import api as fleet_api
from guru_server.gateway.app import Gateway, gateway_routes
from guru_server.gitops.api import webhooks
from guru_server.gitops.mirror import Mirror
from guru_server.gitops.source import Source
from guru_server.gitops.trust import Pinned
from guru_server.gitops.verifying import Verifier
from guru_server.gitops.watch import Watch
from guru_server.gitops.webhook import Forge
from guru_server.hooks import api as hooks_api
from guru_server.hooks.in_force import HooksInForce
from guru_server.hooks.sender import Sender
from guru_server.identity import admissions
from guru_server.identity import api as identity_api
from guru_server.identity.clients import Clients
from guru_server.identity.sightings import Sightings
from guru_server.identity.signing_in import Door
from guru_server.in_force import InForce
from guru_server.inventory import api as inventory_api
from guru_server.jobs import api as jobs_api
from guru_server.jobs import seeing as jobs_seeing
from guru_server.jobs.asking import Desk as JobDesk
from guru_server.jobs.coordinating import Coordinator
from guru_server.jobs.signing import Signer
from guru_server.jobs.templates import Templates
from guru_server.keys.keys import ServerKeys
from guru_server.linking import gateway_of
from guru_server.notify import api as notify_api
from guru_server.notify.email import Mail
from guru_server.notify.webhook import Webhooks
from guru_server.notify.worker import Notifier
from guru_server.overrides import api as overrides_api
from guru_server.overrides.setting import Overrider
from guru_server.overrides.store import of_device
from guru_server.passkeys import api as passkeys_api
from guru_server.provisioning import api as provisioning_api
from guru_server.reconcile.api import Desk, operators
from guru_server.reconcile.deeds import deeds
from guru_server.reconcile.exports import exports
from guru_server.reconcile.refusals import refusals
from guru_server.reconcile.service import Reconciler
from guru_server.reconcile.status import device_conditions
from guru_server.retention import Retention
from guru_server.rights import api as rights_api
from guru_server.rights import approvals_api, clients_api, requests_api
from guru_server.rights.declaring import needs
from guru_server.rights.holding import Holding
from guru_server.schedules import api as schedules_api
from guru_server.schedules.cancelling import Canceller
from guru_server.secrets import api as secrets_api
from guru_server.secrets.opening import Opener
from guru_server.setting_parts import GitSettings, LimitSettings, PaceSettings
from guru_server.settings import ServerSettings
from guru_server.signer.asking import Signatures
from guru_server.signer.health import aged, signing
from guru_server.sso import api as sso_api
from guru_server.sso.providers import Providers
from guru_server.sso.saml.partner import Partner
from guru_server.standing import api as standing_api
from guru_server.store.database import Database
from guru_server.supervising import Job
from guru_server.telemetry import api as telemetry_api
from guru_server.telemetry.checks import check_counts, check_results
from guru_server.telemetry.reading import newest_metrics
from guru_server.transfers import api as transfers_api
from guru_server.transfers.carrying import Carrying
from guru_server.transfers.digesting import Digests
from guru_server.transfers.store import Bounds


class Wired(NamedTuple):
    """A program ready to run."""

    app: ASGIApp
    jobs: Mapping[str, Job]


class Entrances(NamedTuple):
    """The routes by which one gets in: without a token, with one, and the pages for browsers."""

    public: list[APIRouter]
    guarded: list[APIRouter]
    pages: list[Route]


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything stands on."""

    settings: ServerSettings
    db: Database
    bus: Bus
    clock: Clock


@dataclass(frozen=True, slots=True)
class Repository:
    """Everything about a fleet repository."""

    reconciler: Reconciler
    watch: Watch
    desk: Desk


def wire_server(ground: Ground, keys: ServerKeys, url: str) -> Wired:
    """The whole server: API, links, and its background jobs. `url` is what agents and people dial."""
    app, jobs = wire_api(ground, keys, url)
    return Wired(Edge(app), jobs)


def wire_api(ground: Ground, keys: ServerKeys, url: str) -> tuple[FastAPI, dict[str, Job]]:
    """The application without its outermost layer, and the jobs."""
    db, bus, clock, settings = ground.db, ground.bus, ground.clock, ground.settings
    opener = Opener(keys.age)
    repository = _repository(ground, keys.signer, opener)
    in_force = InForce(db, repository.reconciler if repository else None)
    gateway = _gateway(ground, keys.link, keys.trust_serial)
    looks = fleet_api.Looks(check_results, newest_metrics, device_conditions, refusals, of_device)
    fleet = fleet_api.Fleet(db, bus, clock, in_force.labels, check_counts, looks)
    repeated = Repeated(db, clock)
    sightings = Sightings(db, clock, repeated)
    marker = _marker(ground, keys.signer)
    identity = identity_api.Identity(
        db, bus, clock, keys, url, in_force.places, in_force.admissions, sightings=sightings)
    remote = repository.reconciler.mirror.source.url if repository else None
    looked_at = probes(db, settings.data, keys.tls.certificate, remote, clock, opener)
    looked_at += [signing(keys.signer, clock), aged(settings.keys, clock)]
    watched = health.Health(db, [*looked_at, signed_lately(db, clock, settings.audit.every)])
    accounts = AccountDesk(db, clock, db.tenant, Seal(keys.account), Minter(keys.session, db.tenant), Holding())
    entrances = _entrances(ground, accounts, url, sightings)
    public = [identity_api.public_router(identity), health.public_router(watched), *entrances.public]
    guarded = [
        identity_api.router(identity), admissions.router(admissions.Gatehouse(db, bus, clock)), health.router(watched),
        alerts_api.router(db, bus, clock, in_force.labels), notify_api.router(db),
        audit_api.router(audit_api.Ledger(db, repeated, marker.keys)),
    ]
    if repository:
        public.append(webhooks(
            db, bus, branch=settings.git.branch, secrets=_webhook_secrets(settings), now=clock,
            refused=sightings.webhook,
        ))
        overrider = Overrider(db, repository.reconciler, repository.watch, in_force.labels, now=clock)
        guarded += [
            operators(repository.desk), deeds(repository.desk), exports(repository.desk),
            overrides_api.router(db, overrider, in_force.labels, clock),
        ]
    else:
        guarded.append(_without_repository())
    signer = Signer(keys.signer)
    templates = Templates(db, in_force.load, in_force.read_file)
    guarded.append(jobs_api.router(JobDesk(db, bus, clock, signer, in_force.labels, templates)))
    guarded += _about_events(ground, in_force)
    guarded += [telemetry_api.router(db, clock), secrets_api.router(opener), *entrances.guarded]
    guarded.append(schedules_api.router(schedules_api.Desk(
        db, in_force.labels, in_force.load, Canceller(db, bus, clock, signer))))
    guarded.append(standing_api.router(standing_api.Desk(db, in_force.labels, in_force.load)))
    guarded.append(inventory_api.router(inventory_api.Desk(db, in_force.labels)))
    guarded.append(rights_api.router(rights_api.Desk(db, clock, in_force.labels)))
    guarded.append(approvals_api.router(approvals_api.Desk(db, clock, replay, accounts)))
    guarded.append(requests_api.router(requests_api.Desk(db, clock)))
    guarded.append(fleet_api.router(fleet))     # last: its {ref} takes slashes
    door = Door(db, clock, in_force.decisive, holding=accounts.holding, sightings=sightings, desk=accounts,
                repeated=repeated)
    app = make_app(
        door, guarded=guarded, public=public, links=[*gateway_routes(gateway), *entrances.pages],
        keeping=Keeping(db, clock, db.tenant),
        limits=_limits(settings.limits, clock), beside=[provisioning_api.beside(db, clock, url)],
    )
    jobs = {"gateway": gateway.run, "repeated": repeated.run}
    return app, jobs | _leased(ground, repository, in_force, marker, signer)


def _about_events(ground: Ground, in_force: InForce) -> list[APIRouter]:
    db, bus = ground.db, ground.bus
    hooks = hooks_api.Desk(db, bus, db.tenant, ground.clock, HooksInForce(db, db.tenant, in_force.load))
    return [
        events_api.router(events_api.Desk(db, bus, db.tenant, in_force.labels, jobs_seeing.of_some)),
        hooks_api.router(hooks),
        transfers_api.router(transfers_api.Desk(db, ground.clock, Digests(db), _bounds(ground.settings))),
    ]


def _entrances(ground: Ground, accounts: AccountDesk, url: str, sightings: Sightings) -> Entrances:
    """Every way in for people and for jobs of a forge."""
    db, clock, settings = ground.db, ground.clock, ground.settings
    lobby = Lobby(accounts, url)
    issuers = Issuers(clock, private=settings.federation.private, ca_file=settings.federation.ca_file)
    providers = Providers(issuers, accounts.seal, settings.federation.secrets, url + sso_api.CALLBACK)
    clients = Clients(db, clock, accounts.tenant)
    exchange = Exchange(db, clock, accounts.tenant, accounts.holding, issuers)
    return Entrances(
        [accounts_api.public_router(lobby, sightings), passkeys_api.public_router(lobby, sightings),
         device_api.public_router(lobby),
         federation_api.public_router(exchange, clients, sightings)],
        [accounts_api.router(accounts), accounts_users.router(accounts), passkeys_api.router(lobby),
         device_api.router(lobby), clients_api.router(clients)],
        [*passkeys_api.pages(lobby), *sso_api.Way(lobby, providers, Partner(accounts.seal, url), sightings).routes(),
         federation_api.described(url)],
    )


def _limits(wanted: LimitSettings, clock: Clock) -> Limits:
    def pace(one: PaceSettings) -> Pace:
        return Pace(one.burst, one.rate)

    paces: dict[Kind, Pace] = {
        "reads": pace(wanted.reads), "writes": pace(wanted.writes), "expensive": pace(wanted.expensive),
    }
    named = {actor: {kind: pace(one) for kind, one in kinds.items()} for actor, kinds in wanted.actors.items()}
    return Limits(clock, paces, named, pace(wanted.all))


def wire_gateway(ground: Ground, link_key: Ed25519PrivateKey) -> Wired:
    """Only the agents' links, for a gateway's own process; PostgreSQL carries everything else."""
    if ground.db.dialect != "postgresql":
        raise Refused(
            "a gateway of its own needs PostgreSQL: SQLite serves one process",
            hint="set `database` to postgresql://..., or let `guru-server serve` take the links",
        )
    gateway = _gateway(ground, link_key)
    return Wired(Edge(Starlette(routes=gateway_routes(gateway))), {"gateway": gateway.run})


def _gateway(ground: Ground, link_key: Ed25519PrivateKey, trust: int = 0) -> Gateway:
    chunks = Carrying(ground.db, ground.clock, Digests(ground.db), _bounds(ground.settings))
    return gateway_of(ground.db, ground.bus, ground.clock, link_key=link_key, trust=trust, chunks=chunks,
                      stage=partial(_stage, ground.settings))


def _bounds(settings: ServerSettings) -> Bounds:
    return Bounds(settings.transfers.largest, settings.transfers.all)


def _repository(ground: Ground, signer: Signatures, opener: Opener) -> Repository | None:
    git = ground.settings.git
    if git.url is None:
        return None
    stage = partial(_stage, ground.settings)
    mirror = Mirror(ground.settings.data, _source(git.url, git))
    reconciler = Reconciler(
        ground.db, ground.bus, mirror, verifier=Verifier(mirror, Pinned(git.signing.mode, git.signing.keys)),
        signer=signer, opener=opener, now=ground.clock, stage=stage,
    )
    watch = Watch(
        ground.db, ground.bus, mirror, reconciler, now=ground.clock, poll=git.poll, follow=git.follow, stage=stage
    )
    return Repository(reconciler, watch, Desk(ground.db, ground.bus, reconciler, watch, now=ground.clock))


def _source(url: str, git: GitSettings) -> Source:
    return Source(
        url, git.branch, ssh_key=git.ssh_key, known_hosts=git.known_hosts, token_file=git.token_file,
        ca_file=git.ca_file,
    )


def _marker(ground: Ground, signer: Signatures) -> Marker:
    """What signs the audit log and carries that outside."""
    settings, wanted = ground.settings, ground.settings.audit.anchor
    anchors: list[Anchor] = [FileAnchor(wanted.file)] if wanted.file else []
    if wanted.git:
        anchors.append(BranchAnchor(settings.data, Source(
            wanted.git, wanted.branch, ssh_key=wanted.ssh_key, known_hosts=wanted.known_hosts,
            token_file=wanted.token_file, ca_file=wanted.ca_file,
        )))
    return Marker(
        ground.db, ground.clock, signer, rhythm=Rhythm(settings.audit.every, settings.audit.rows),
        before=settings.audit.keys, anchors=anchors, stage=partial(_stage, settings),
    )


def _leased(
    ground: Ground, repository: Repository | None, in_force: InForce, marker: Marker, signer: Signer
) -> dict[str, Job]:
    """The jobs that only one of several servers does."""
    settings = ground.settings
    sources = FromSources(ground.db, in_force.load)
    smtp = settings.smtp
    mail = Mail(smtp.host, smtp.port, smtp.security, smtp.user, smtp.password, smtp.sender)
    to_webhooks = Webhooks(settings.notify.secrets, private=settings.notify.private)
    notifier = Notifier(ground.db, ground.bus, sources, ground.clock, to_webhooks, mail)
    works = {
        "alerts": Alerts(ground.db, ground.bus, sources, ground.clock).run,
        "audit": marker.run,
        "events": Presence(ground.db, ground.db.tenant, ground.clock).run,
        "notify": notifier.run,
        "jobs": Coordinator(ground.db, ground.bus, signer, ground.clock).run,
        "webhooks": Sender(
            ground.db, ground.bus, ground.db.tenant, HooksInForce(ground.db, ground.db.tenant, in_force.load),
            in_force.labels, ground.clock, Webhooks(settings.notify.secrets, private=settings.notify.private),
        ).run,
        "retention": Retention(ground.db, ground.bus, ground.clock, settings.retention).run,
    }
    if repository:
        works["reconcile"] = repository.watch.run
    owner = owner_of(settings)
    return {
        name: partial(leases.Lease(ground.db, name, owner).keep, work) for name, work in works.items()
    }


def owner_of(settings: ServerSettings) -> str:
    """This server's name in leases: the same after a restart, another for every data folder and host."""
    return hashlib.sha256(f"{socket.gethostname()}:{settings.data.resolve()}".encode()).hexdigest()[:32]


def _webhook_secrets(settings: ServerSettings) -> dict[Forge, str]:
    named: dict[Forge, str] = {}
    forges: tuple[Forge, ...] = ("github", "gitea", "forgejo", "gitlab")
    for forge in forges:
        secret = getattr(settings.webhooks, forge)
        if secret is not None:
            named[forge] = secret.get_secret_value()
    return named


def _without_repository() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.api_route("/status", methods=["GET"])
    @router.api_route("/revisions", methods=["GET"])
    @router.api_route("/drift", methods=["GET"])
    @router.api_route("/sync", methods=["POST"])
    @router.api_route("/plans", methods=["POST"])
    @router.api_route("/applications", methods=["POST"])
    @router.api_route("/rollbacks", methods=["POST"])
    @router.api_route("/overrides", methods=["GET", "POST"])
    @router.api_route("/exports", methods=["GET"])
    @router.api_route("/exports/contents", methods=["POST"])
    @needs(None, of="oneself")
    async def refuse() -> None:
        """There is nothing to tell."""
        raise Refused("this server watches no fleet repository", hint="set git.url and restart the server")

    return router


def _stage(settings: ServerSettings, stage: str) -> None:
    for at, number in ((settings.kill_at, signal.SIGKILL), (settings.stop_at, signal.SIGSTOP)):
        if at == stage:
            os.kill(os.getpid(), number)
