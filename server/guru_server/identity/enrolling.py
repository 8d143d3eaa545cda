"""Enrolment tokens, and the devices they let in: a use is spent only with the device it made. No HTTP."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Row, select

from guru_policy.access.rulebook import Rulebook
from guru_policy.admitting import Admission, Applicant, inside
from guru_policy.errors import InputInvalid, NotFound, Refused, Unsupported, Untrusted
from guru_policy.inventory import Place
from guru_policy.objects.scopes import Scope
from guru_server.audit.log import record
from guru_server.fleet.changing import Newcomer, check_labels, enrol
from guru_server.fleet.holding import known_key, living
from guru_server.fleet.tables import device
from guru_server.identity.people import Person
from guru_server.identity.tables import enrolment_token
from guru_server.rights.asking import Rights, Sight
from guru_server.tenants.quotas import make_room
from guru_wire.admission import EnrolTokenRequest, EnrolTokenRow, Held
from guru_wire.enrolment import EnrolmentRequest, enrol_bytes
from guru_wire.sealing import check_sealing_key
from guru_wire.signing import verify
from guru_wire.version import LANGUAGE

# Sites by customer; None: no repository is in force.
Places = Callable[[], Awaitable[Mapping[str, Collection[str]] | None]]
Admitting = Callable[[Place, Applicant], Admission]
Admissions = Callable[[], Awaitable[Admitting]]
_PLACE = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?")
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


AnyRow = Row[*tuple[Any, ...]]


class Joined(NamedTuple):
    """The device that came in, or that was here already with the same key and token."""

    id: str
    name: str
    place: Place
    held: Held = ""


def create(
    connection: Connection, tenant: str, ask: EnrolTokenRequest, *, now: int, by: Person
) -> tuple[str, EnrolTokenRow]:
    """Make a token; its secret, the only time it is known, and its row."""
    labels, networks = labels_of(ask), [_network(one) for one in ask.addresses]
    token_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    connection.execute(enrolment_token.insert().values(
        tenant=tenant, id=token_id, digest=_digest(secret), customer=ask.customer, site=ask.site,
        uses=ask.uses, used=0, created_by=by.spoken, created_at=now, expires_at=now + ask.ttl * 1000,
        revoked_at=None, labels=_json(labels), addresses=_json(networks), approve=ask.approve,
        sealed=ask.sealed,
    ))
    record(connection, now, by.actor, "EnrolmentTokenCreated", f"enrolment-token:{token_id}",
           f"{ask.customer}/{ask.site}, {ask.uses} uses", customer=ask.customer)
    return secret, _row(_one(connection, tenant, token_id))


def listed(
    connection: Connection, tenant: str, sight: Sight
) -> list[EnrolTokenRow]:
    """The tokens in sight, the newest first."""
    of = enrolment_token.c.tenant == tenant
    query = select(enrolment_token).where(of).order_by(enrolment_token.c.created_at.desc(), enrolment_token.c.id)
    rows = connection.execute(query)
    return [_row(row) for row in rows if sight.whole or sight.place(row.customer, row.site)]


def revoke(
    connection: Connection, tenant: str, token_id: str, *, now: int, rights: Rights, sight: Sight
) -> EnrolTokenRow:
    """End a token; doing it again changes nothing. NotFound when there is none in sight."""
    row = _one(connection, tenant, token_id)
    if not sight.place(row.customer, row.site):
        sight.hidden(f"enrolment-token:{token_id}")
        raise _unknown(token_id)
    rights.require_scope(connection, "device.enroll", Scope("site", row.customer, row.site))
    if row.revoked_at is None:
        mine = (enrolment_token.c.tenant == tenant, enrolment_token.c.id == token_id)
        connection.execute(enrolment_token.update().where(*mine).values(revoked_at=now))
        record(connection, now, rights.actor, "EnrolmentTokenRevoked", f"enrolment-token:{token_id}",
               customer=row.customer)
    return _row(_one(connection, tenant, token_id))


def check_place(customer: str, site: str, places: Mapping[str, Collection[str]] | None) -> None:
    """Raise InputInvalid unless the repository in force has this site; without one, names must be names."""
    if places is None:
        if not (_PLACE.fullmatch(customer) and _PLACE.fullmatch(site)):
            raise InputInvalid("those cannot be a customer and a site", hint="as in customers/acme/sites/hq")
        return
    for kind, name, there in (("customer", customer, places), ("site", site, places.get(customer, ()))):
        if name not in there:
            near = get_close_matches(name, there, 1)
            raise InputInvalid(
                f"the fleet repository in force has no {kind} {name[:63]}",
                hint=f"did you mean {near[0]}?" if near else f"add the {kind} to the repository and push it",
            )


def check_proof(ask: EnrolmentRequest) -> None:
    """Return when the request is signed by the private half of its key; Untrusted when not."""
    if ask.language < 1:
        raise Unsupported(f"the agent speaks LANGUAGE {ask.language}, not {LANGUAGE}", hint="update it")
    try:
        public = base64.b64decode(ask.public_key, validate=True)
        proof = base64.b64decode(ask.proof, validate=True)
    except binascii.Error as cause:
        raise Untrusted("the device's key or its proof is not base64", hint="enrol again") from cause
    if len(public) != 32 or base64.b64encode(public).decode() != ask.public_key:
        raise Untrusted("the device's key is not an Ed25519 key", hint="enrol again")
    verify(public, "enrol",
           enrol_bytes(token_id=ask.token_id, public_key=ask.public_key, name=ask.name), proof)
    if ask.sealing_key:
        check_sealing_key(ask.sealing_key, ask.sealing_proof, public)


def join(
    connection: Connection, tenant: str, ask: EnrolmentRequest, *, now: int,
    places: Mapping[str, Collection[str]] | None, admission: Admitting, address: str = "", peer: str = "",
) -> Joined:
    """Spend one use and make the device; all of it or nothing. Refused says what is wrong with the token.

    The same key with the same token gets the same device again: its first answer was lost on the way. Any other key
    that was seen before is refused. What is odd about a device makes it wait: it is held until somebody looks.
    """
    token = _spendable(connection, tenant, ask, now)
    again = connection.execute(select(device).where(
        device.c.tenant == tenant, device.c.public_key == ask.public_key,
        device.c.enrolled_by == ask.token_id, device.c.revoked_at.is_(None),
    )).first()
    if again is not None:
        return Joined(again.id, again.name, Place(again.customer, again.site), again.held)
    if known_key(connection, tenant, ask.public_key):
        raise Refused("this key was a device's before", hint="make a new one: `guru-agent enroll --force`")
    if token.used >= token.uses:
        raise Refused(f"this enrolment token was used {token.used} times: no use is left", hint=_ANOTHER)
    try:
        check_place(token.customer, token.site, places)
    except InputInvalid as cause:
        raise Refused(f"the token's place is gone: {cause.message}", hint=_ANOTHER) from cause
    place, device_id = Place(token.customer, token.site), secrets.token_hex(16)
    applicant = Applicant(peer, str(ask.facts.get("os", "")), ask.facts.get("device_key") == "tpm")
    asked = admission(place, applicant)
    if (token.sealed or asked.sealed) and not applicant.sealed:
        raise Refused("only devices whose key a TPM seals may join here, and this one's lies in a file",
                      hint="`guru-agent enroll --keys tpm` says what is missing; without a TPM ask for another token")
    make_room(connection, "devices", lambda: living(connection, tenant))
    why = judge(connection, tenant, token, ask.hardware, peer, asked)
    one = Newcomer(
        id=device_id, name=_name(connection, tenant, ask.name, place, device_id, waits=bool(why)), place=place,
        public_key=ask.public_key, facts=ask.facts, agent_version=ask.agent_version, enrolled_by=token.id,
        sealing_key=ask.sealing_key, op_labels=orjson.loads(token.labels), hardware=ask.hardware,
        held="pending" if why else "", held_why=why,
    )
    enrol(connection, tenant, one, now)
    mine = (enrolment_token.c.tenant == tenant, enrolment_token.c.id == token.id)
    connection.execute(enrolment_token.update().where(*mine).values(used=enrolment_token.c.used + 1))
    spared = f", which {asked.admitted_by} lets in" if asked.admitted_by and (token.approve or asked.wait) else ""
    told = ("DevicePending", f": {why}") if why else ("DeviceEnrolled", spared)
    record(connection, now, f"enrolment-token:{token.id}", told[0], f"device:{one.id}",
           f"{token.customer}/{token.site}/{one.name}{told[1]}", device=one.id, customer=token.customer,
           address=address)
    return Joined(one.id, one.name, one.place, one.held)


def judge(connection: Connection, tenant: str, token: AnyRow, hardware: str, peer: str, asked: Admission) -> str:
    """Why a newcomer has to wait for somebody; empty when it may come in at once."""
    why = []
    if not asked.admitted_by:
        why += ["its token asks for approval"] if token.approve else []
        why += ["the repository asks for approval"] if asked.wait and not token.approve else []
    networks = orjson.loads(token.addresses)
    if networks and not inside(peer, networks):
        why.append(f"it came from {peer[:45] or 'nowhere'}, outside of the token's addresses")
    same = alike(connection, tenant, hardware)
    if same:
        why.append(f"it says to be the hardware of {same[0]}")
    return "; ".join(why)


def alike(connection: Connection, tenant: str, hardware: str, but: str = "") -> tuple[str, ...]:
    """The devices that said the same hardware, at most five, as customer/site/name. A hint: any device can say so."""
    if not hardware:
        return ()
    query = select(device.c.customer, device.c.site, device.c.name).where(
        device.c.tenant == tenant, device.c.hardware == hardware, device.c.id != but, device.c.revoked_at.is_(None),
        device.c.held != "pending",
    ).order_by(device.c.enrolled_at.desc(), device.c.id).limit(5)
    return tuple(f"{row.customer}/{row.site}/{row.name}" for row in connection.execute(query))


def _name(connection: Connection, tenant: str, said: str, place: Place, device_id: str, *, waits: bool) -> str:
    """The device's name; one that waits takes no other's name, so it has a part of its id behind it when it must."""
    name = tidy(said)
    taken = select(device.c.id).where(
        device.c.tenant == tenant, device.c.customer == place.customer, device.c.site == place.site,
        device.c.name == name, device.c.revoked_at.is_(None),
    )
    if waits and connection.execute(taken).first() is not None:
        return f"{name[:54].rstrip('-._')}-{device_id[:8]}"
    return name


def labels_of(ask: EnrolTokenRequest) -> dict[str, str]:
    """The op/ labels that the token gives; InputInvalid when they cannot be labels."""
    labels = {**ask.labels, "ring": ask.ring} if ask.ring else dict(ask.labels)
    check_labels(labels)
    return labels


def verbs_for(ask: EnrolTokenRequest, book: Rulebook) -> list[str]:
    """What giving the token's labels takes besides: they are labels like any, and by some of them rights are chosen."""
    labels = labels_of(ask)
    deciding = book.deciding_labels().intersection(labels)
    return [*(["device.label"] if labels else []), *(["user.manage"] if deciding else [])]


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as cause:
        raise InputInvalid("an address is one such as 203.0.113.7 or 203.0.113.0/24") from cause


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def tidy(name: str) -> str:
    """A machine's own name as a device's name: what cannot stand in one becomes a dash."""
    return _NOT_A_NAME.sub("-", name)[:63].strip("-._") or "device"


_ANOTHER = "ask for another: `guru enroll token create`"


def _spendable(connection: Connection, tenant: str, ask: EnrolmentRequest, now: int) -> AnyRow:
    query = select(enrolment_token).where(
        enrolment_token.c.tenant == tenant, enrolment_token.c.id == ask.token_id
    )
    row = connection.execute(query.with_for_update()).one_or_none()
    same = hmac.compare_digest(row.digest if row else "0" * 64, _digest(ask.token_secret))
    if row is None or not same:
        raise Refused("this enrolment token is not known here", hint=_ANOTHER)
    if row.revoked_at is not None:
        raise Refused("this enrolment token was revoked", hint=_ANOTHER)
    if now >= row.expires_at:
        raise Refused("this enrolment token expired", hint=_ANOTHER)
    return row


def _one(connection: Connection, tenant: str, token_id: str) -> AnyRow:
    mine = (enrolment_token.c.tenant == tenant, enrolment_token.c.id == token_id)
    row = connection.execute(select(enrolment_token).where(*mine)).one_or_none()
    if row is None:
        raise _unknown(token_id)
    return row


def _unknown(token_id: str) -> NotFound:
    return NotFound(f"no enrolment token has the id {token_id[:32]}", hint="`guru enroll token list`")


def _row(row: AnyRow) -> EnrolTokenRow:
    return EnrolTokenRow(
        id=row.id, customer=row.customer, site=row.site, uses=row.uses, used=row.used,
        created_at=row.created_at, created_by=row.created_by, expires_at=row.expires_at,
        revoked=row.revoked_at is not None, labels=orjson.loads(row.labels),
        addresses=tuple(orjson.loads(row.addresses)), approve=row.approve,
        sealed=row.sealed,
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
