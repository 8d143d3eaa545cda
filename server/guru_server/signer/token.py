"""The signer's keys inside a token (PKCS #11 3.0, CKM_EDDSA): made there, sensitive, and never out of it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Protocol, cast

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import NoSuchKey, NoSuchToken, PKCS11Error

from guru_policy.errors import GuruError, InputInvalid
from guru_server.keys import files
from guru_server.signer.chamber import NAMES

_ED25519 = bytes.fromhex("06032b6570")  # the OID 1.3.101.112 (RFC 8410)


class TokenKeys:
    """Keys of an open session. A session takes one call at a time."""

    def __init__(self, session: pkcs11.Session) -> None:
        self._lock = threading.Lock()
        self._keys = {name: _found(session, name) for name in NAMES}

    def public(self, name: str) -> bytes:
        """32 raw bytes."""
        return self._keys[name][1]

    def sign(self, name: str, data: bytes) -> bytes:
        """64 bytes."""
        try:
            with self._lock:
                return bytes(self._keys[name][0].sign(data, mechanism=Mechanism.EDDSA))
        except PKCS11Error as cause:
            raise GuruError(f"the token did not sign: {_told(cause)}", hint="is it still there?") from cause


def from_token(module: Path, label: str, pin_file: Path) -> TokenKeys:
    """The keys of the token, made there when it has none. InputInvalid when the token or its PIN is not as was said."""
    pin = files.read(pin_file).decode("ascii", "replace").strip()
    try:
        session = pkcs11.lib(str(module)).get_token(token_label=label).open(rw=True, user_pin=pin)
        if not any(_is_there(session, name) for name in NAMES):
            for name in NAMES:
                _make(session, name)
        return TokenKeys(session)
    except NoSuchToken as cause:
        raise InputInvalid(f"no token is labelled {label}", hint="look at signer.token") from cause
    except (PKCS11Error, RuntimeError, OSError) as cause:
        raise InputInvalid(
            f"the token {label} cannot be used: {_told(cause)}", hint="look at signer.module and signer.pin_file"
        ) from cause


def _make(session: pkcs11.Session, name: str) -> None:
    parameters = session.create_domain_parameters(KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: _ED25519}, local=True)
    parameters.generate_keypair(
        mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, label=f"guru-{name}", id=name.encode(),
        private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
    )


def _is_there(session: pkcs11.Session, name: str) -> bool:
    try:
        session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=f"guru-{name}")
    except NoSuchKey:
        return False
    return True


class Signing(Protocol):
    """A handle of a private key."""

    def sign(self, data: bytes, *, mechanism: Mechanism) -> bytes: ...


def _found(session: pkcs11.Session, name: str) -> tuple[Signing, bytes]:
    """A key pair: the private half as a handle, the public one as bytes (its point is an OCTET STRING around 32)."""
    try:
        private = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=f"guru-{name}")
        public = session.get_key(object_class=ObjectClass.PUBLIC_KEY, label=f"guru-{name}")
    except NoSuchKey as cause:
        raise InputInvalid(f"the token lacks the key guru-{name}", hint="bring it back from its backup") from cause
    point = bytes(public[Attribute.EC_POINT])[-32:]
    return cast("Signing", private), point


def _told(cause: BaseException) -> str:
    return str(cause) or type(cause).__name__
