"""The rights' part of the API: what may I, why may they, and keys. It decides nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection

from guru_policy.access.asking import Decision, Subject, Target, device_target
from guru_policy.access.deciding import EVERYTHING, decide
from guru_policy.access.grants import grants_of
from guru_policy.errors import InputInvalid, NotFound
from guru_policy.inventory import Device
from guru_policy.kinds.binding import read_scope
from guru_policy.kinds.role import VERBS
from guru_policy.objects.scopes import ORG, Scope
from guru_policy.selector import parse
from guru_policy.text.suggesting import did_you_mean
from guru_server.api.late import late_router
from guru_server.clock import Clock
from guru_server.cursors import EVERY, Paged, Rows
from guru_server.fleet import finding
from guru_server.fleet.reading import known, resolve
from guru_server.identity import people
from guru_server.identity.people import Limits, Person
from guru_server.identity.signing_in import signed_in
from guru_server.provisioning import people as provisioned
from guru_server.rights.asking import Asking, Rights
from guru_server.rights.declaring import needs
from guru_server.rights.escalating import refuse_more
from guru_server.rights.granting import Granted, granted_book, granted_by_name
from guru_server.rights.telling import answer_of, key_rows, reason_of, seen
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.access import AccessAnswer, AccessExplained, GroupHeld, KeyCreated, KeyRequest, KeyRow
from guru_wire.operator import Page

Who = Annotated[Person, Depends(signed_in)]
SUBJECT = r"^(user|group|key):[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$"


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes work with."""

    db: Database
    clock: Clock
    labels: finding.GitLabels


class _Standing(NamedTuple):
    """What a subject has: fixed roles of tokens, grants for a while, groups and who says so."""

    fixed: tuple[str, ...]
    granted: Sequence[Granted]
    groups: tuple[GroupHeld, ...]


def router(desk: Desk) -> APIRouter:
    """The guarded routes."""
    router = late_router(tags=["rights"])
    _route_keys(router, desk)

    @router.get("/access/can")
    @needs(None, of="oneself")
    async def can(
        rights: Asking,
        verb: Annotated[str, Query(max_length=64)],
        selector: Annotated[str, Query(max_length=2000)] = "",
        scope: Annotated[str, Query(max_length=200)] = "",
        command_class: Annotated[str | None, Query(alias="class", max_length=64)] = None,
    ) -> AccessAnswer:
        """Whether the asker may do it now: to all devices that match, to a scope, or to the organisation."""
        _check_verb(verb)
        if scope and selector:
            raise InputInvalid("ask about a selector or about a scope, not about both")
        if not selector:
            target = Target(_scope(scope)) if scope else EVERYTHING
            return answer_of(rights.decide(verb, [target], command_class=command_class), scope or "org", 0)
        reading, acting = await rights.sight("device.read"), await rights.sight(verb)
        labels = await desk.labels()
        devices = await desk.db.read(
            lambda connection: finding.matching(connection, whose(connection), parse(selector), labels, reading)
        )
        if not devices:
            raise NotFound("no device that you may see matches", hint="`guru device list -l ...` tries a selector out")
        return answer_of(acting.decide(devices, command_class=command_class), selector, len(devices))

    @router.get("/access/explain")
    @needs(None, of="oneself")
    async def explain(
        rights: Asking,
        subject: Annotated[str, Query(pattern=SUBJECT)],
        verb: Annotated[str, Query(max_length=64)],
        device: Annotated[str, Query(max_length=300)],
        command_class: Annotated[str | None, Query(alias="class", max_length=64)] = None,
    ) -> AccessExplained:
        """Which rule decides for a subject and a device, by what the repository says."""
        _check_verb(verb)
        reading, managing = await rights.sight("device.read"), await rights.sight("user.manage")

        def read(connection: Connection) -> tuple[Device, _Standing]:
            one = known(connection, whose(connection), resolve(connection, whose(connection), device, reading)).device
            if subject not in rights.subject.names:
                managing.require(None, [one], f"explain {subject}")
            now = desk.clock()
            return one, _standing(connection, rights, subject, now)

        one, standing = await desk.db.read(read)
        target = device_target(one, (await rights.labels())(one))
        return _explained(rights, subject, verb, target, command_class, standing)

    return router


def _route_keys(router: APIRouter, desk: Desk) -> None:
    """API keys: made, listed and ended by whoever manages users."""

    @router.post("/keys", status_code=201)
    @needs("user.manage", of="organisation")
    async def create(ask: KeyRequest, person: Who, rights: Asking) -> KeyCreated:
        """A new key; its text is shown this once. It gives its maker nothing that the maker has not."""
        now = desk.clock()
        people.check_limits(Limits(ask.verbs, ask.scope))
        refuse_more(rights, frozenset({f"key:{ask.name}"}), ask.verbs)

        def make(connection: Connection) -> tuple[str, KeyRow]:
            text = people.create(
                connection, whose(connection), ask.name, "", now=now, ttl=ask.ttl, actor=person.actor, kind="key",
                limits=Limits(ask.verbs, ask.scope, ask.addresses),
            )
            return text, next(row for row in _keys(connection) if row.id == text.split("_")[1])

        text, row = await desk.db.write(make)
        return KeyCreated(key=text, row=row)

    @router.get("/keys")
    @needs("user.manage", of="organisation")
    async def listed(paging: Paged, limit: Rows = EVERY) -> Page[KeyRow]:
        """Every key, the oldest first, without secrets."""
        rows = await desk.db.read(_keys)
        page, after = paging.cut(rows, limit, lambda row: (row.created_at, row.id))
        return Page[KeyRow](items=page, total=len(rows), next=after)

    @router.delete("/keys/{key_id}")
    @needs("user.manage", of="organisation")
    async def revoke(key_id: str, person: Who) -> KeyRow:
        """End a key for good."""
        now = desk.clock()

        def end(connection: Connection) -> KeyRow:
            if not any(row.id == key_id for row in _keys(connection)):
                raise NotFound(f"no key has the id {key_id[:32]}", hint="`guru key list`")
            people.revoke(connection, whose(connection), key_id, now=now, actor=person.actor)
            return next(row for row in _keys(connection) if row.id == key_id)

        return await desk.db.write(end)


def _keys(connection: Connection) -> list[KeyRow]:
    return key_rows(connection, whose(connection), "key")


def _fixed(connection: Connection, subject: str, now: int) -> tuple[str, ...]:
    kind, _, name = subject.partition(":")
    wanted = {"user": "person", "key": "key", "service": "service"}.get(kind, "")
    rows = people.tokens(connection, whose(connection))
    return tuple(sorted({
        row.role for row in rows if row.kind == wanted and row.name == name and row.role and row.good(now)
    }))


def _standing(connection: Connection, rights: Rights, subject: str, now: int) -> _Standing:
    tenant = whose(connection)
    granted = granted_by_name(connection, tenant, subject, now)
    return _Standing(_fixed(connection, subject, now), granted, _groups(connection, rights, subject))


def _groups(connection: Connection, rights: Rights, subject: str) -> tuple[GroupHeld, ...]:
    """The groups of a user, by the Person of the repository or by the identity provider that keeps them here."""
    kind, _, name = subject.partition(":")
    if kind != "user":
        return ()
    if (held := rights.book.user(name)) is not None:
        return tuple(GroupHeld(group=one, by="repository") for one in held.groups)
    kept = provisioned.named(connection, whose(connection), name)
    provider = rights.book.provider(kept.provider) if kept and kept.active else None
    if kept is None or provider is None or not provider.key:
        return ()
    theirs = provisioned.groups_of(connection, whose(connection), kept)
    return tuple(GroupHeld(group=one, by=provider.name) for one in provisioned.mapped(provider, theirs))


def _explained(
    rights: Rights, subject: str, verb: str, target: Target, command_class: str | None, standing: _Standing,
) -> AccessExplained:
    fixed, granted, groups = standing
    names = frozenset({subject, *(f"group:{one.group}" for one in groups)})
    grants = grants_of(rights.book, names).plus(grants_of(granted_book(rights.book, granted), names))
    asked = Subject(names, "key" if subject.startswith(("key:", "service:")) else "token")
    around = rights.around._replace(command_class=command_class)
    decision: Decision = decide(asked, verb, [target], grants, around)
    answer = decision.answers[0]
    near = grants.at(verb, target.scope)
    return AccessExplained(
        subject=subject, verb=verb, device=target.id, allowed=answer.allowed, told=decision.told(),
        unmet=answer.unmet, decided_by=reason_of(answer, 1), fixed_roles=fixed, revision=grants.revision, groups=groups,
        rules=tuple(seen(rule, applies=rule in (*near.denies, *near.allows) and (
            target.labels is None or grants.selects(rule, target, target.labels)
        )) for rule in grants.about(verb)),
    )


def _check_verb(verb: str) -> None:
    if verb not in VERBS:
        raise InputInvalid(f"{verb!r} is not a verb", hint=did_you_mean(verb, VERBS) or "such as device.read")


def _scope(text: str) -> Scope:
    try:
        return ORG if text == "org" else read_scope(text)
    except ValueError as cause:
        raise InputInvalid(f"{text!r} is not a scope", hint="org, customers/<c> or customers/<c>/sites/<s>") from cause
