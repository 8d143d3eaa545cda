"""Registering a passkey and signing in by one (W3C WebAuthn level 2), as functions over rows. No HTTP, no sessions.

A refusal is returned and not raised, so that the caller's transaction keeps that the challenge is spent. The library
takes 190 ms to import: import this file where somebody uses it, not at the top.
"""

from __future__ import annotations

import hashlib
import ipaddress
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

from sqlalchemy import Connection, select
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from guru_policy.errors import InputInvalid, NotSignedIn
from guru_server.audit.log import record
from guru_server.passkeys import challenges
from guru_server.passkeys.keeping import MOST, Made, Passkey
from guru_server.passkeys.tables import passkey

LONGEST = 16_384                        # characters of a browser's answer
Refusal = TypeVar("Refusal", InputInvalid, NotSignedIn)
_REFUSED = "this passkey was not accepted"


class Site(NamedTuple):
    """Where passkeys are good: the server's host, and the one origin that pages of it have."""

    id: str
    origin: str


class Begun(NamedTuple):
    """A ceremony: its number, and what the browser gets as JSON."""

    id: str
    options: str


def site_of(url: str) -> Site:
    """The site of the server's address; InputInvalid where browsers allow no passkeys."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
        host = ""
    except ValueError:
        pass
    if parts.scheme != "https" or not host:
        raise InputInvalid("passkeys need a server that is reached by https and a name",
                           hint="browsers bind a passkey to a host's name")
    port = "" if parts.port in (None, 443) else f":{parts.port}"
    return Site(host, f"https://{host}{port}")


def begin_registration(connection: Connection, tenant: str, site: Site, name: str, *, now: int) -> Begun:
    """What the browser of `name` is asked to make; InputInvalid when they have enough, TooMany."""
    held = connection.execute(select(passkey.c.credential).where(
        passkey.c.tenant == tenant, passkey.c.name == name)).scalars().all()
    if len(held) >= MOST:
        raise InputInvalid(f"{name} has {MOST} passkeys already", hint="remove one first")
    made = challenges.begin(connection, tenant, "register", name, now=now)
    options = generate_registration_options(
        rp_id=site.id, rp_name="GuruRMM", user_name=name, user_id=_handle(tenant, name), challenge=made.value,
        timeout=challenges.LIFE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in held],
    )
    return Begun(made.id, options_to_json(options))


def register(
    connection: Connection, tenant: str, site: Site, name: str, ident: str, answer: str, *, now: int
) -> Made | InputInvalid:
    """The passkey that the browser made, if it was made for `name`, here, by a user who was verified."""
    made = challenges.spend(connection, tenant, "register", ident, now=now)
    if made is None or made.name != name or len(answer) > LONGEST:
        return InputInvalid("this registration is not known, was used, or is over", hint="begin again")
    try:
        seen = verify_registration_response(
            credential=answer, expected_challenge=made.value, expected_rp_id=site.id, expected_origin=site.origin,
            require_user_verification=True)
    except (WebAuthnException, ValueError) as error:
        return _because(InputInvalid(_REFUSED, hint="begin again"), error)
    return Made(hashlib.sha256(seen.credential_id).hexdigest(), bytes_to_base64url(seen.credential_id),
                bytes_to_base64url(seen.credential_public_key), seen.sign_count)


def begin_sign_in(connection: Connection, tenant: str, site: Site, *, now: int) -> Begun:
    """What any browser is asked to sign. It names nobody, so it tells nobody who has a passkey. TooMany."""
    made = challenges.begin(connection, tenant, "sign-in", "", now=now)
    options = generate_authentication_options(
        rp_id=site.id, challenge=made.value, timeout=challenges.LIFE,
        user_verification=UserVerificationRequirement.REQUIRED)
    return Begun(made.id, options_to_json(options))


def sign_in(
    connection: Connection, tenant: str, site: Site, ident: str, answer: str, *, now: int
) -> Passkey | NotSignedIn:
    """Whose passkey signed. Its user was verified by the authenticator, which counts as the second factor."""
    refused = NotSignedIn(_REFUSED, hint="begin again")
    made = challenges.spend(connection, tenant, "sign-in", ident, now=now)
    if made is None or len(answer) > LONGEST:
        return refused
    try:
        given = parse_authentication_credential_json(answer)
        digest = hashlib.sha256(given.raw_id).hexdigest()
        mine = (passkey.c.tenant == tenant, passkey.c.id == digest)
        row = connection.execute(select(passkey).where(*mine).with_for_update()).one_or_none()
        if row is None or given.response.user_handle != _handle(tenant, row.name):
            return refused
        seen = verify_authentication_response(
            credential=given, expected_challenge=made.value, expected_rp_id=site.id, expected_origin=site.origin,
            credential_public_key=base64url_to_bytes(row.public_key), credential_current_sign_count=0,
            require_user_verification=True)
    except (WebAuthnException, ValueError) as error:
        return _because(refused, error)
    if (row.sign_count or seen.new_sign_count) and seen.new_sign_count <= row.sign_count:
        record(connection, now, "server", "PasskeyCloned", f"person:{row.name}",
               f"{digest[:12]} counts {seen.new_sign_count} after {row.sign_count}", tenant=tenant)
        return refused
    connection.execute(passkey.update().where(*mine).values(sign_count=seen.new_sign_count, used_at=now))
    return Passkey(digest, row.name, row.label, row.created_at, now)


def _handle(tenant: str, name: str) -> bytes:
    """The user's handle: it tells an authenticator nobody's name."""
    return hashlib.sha256(f"{tenant}\0{name}".encode()).digest()


def _because(refusal: Refusal, cause: Exception) -> Refusal:
    refusal.__cause__ = cause
    return refusal
