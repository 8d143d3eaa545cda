"""The server's keys on disk: made once, loaded by need; the state and command keys never enter a gateway process.

ca.key|crt      signs the TLS certificate (ECDSA P-256); enrolment tokens pin ca.crt
tls.key|crt     the server's TLS identity; the certificate is renewed by itself, the key stays
state.key       signs manifests (Ed25519); enrolment tokens pin it
command.key     signs orders of jobs (Ed25519); agents believe it because the state key vouches for it
link.key        signs the Welcome of a link (Ed25519)
audit.key       signs checkpoints of the audit log and nothing else (Ed25519)
session.key     signs people's access tokens and nothing else (Ed25519)
account.key     seals second factors and marks refresh tokens, by keys derived from it
age.key         opens the secrets of the fleet repository (age, X25519), as `age-keygen` would write it
"""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import SecretStr

from guru_policy.errors import InputInvalid
from guru_server.keys import certificates, files
from guru_wire.enrolment import Trust
from guru_wire.signing import public_bytes

SIGNING = ("state.key", "command.key", "link.key", "audit.key", "session.key", "account.key")
_AGE = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{58}")


@dataclass(frozen=True, slots=True)
class Tls:
    """The certificate and key that the listener shows; `reload` takes a renewed certificate into use."""

    certificate: Path
    key: Path
    context: ssl.SSLContext

    def reload(self) -> None:
        """New connections get what is on disk now; living ones keep theirs."""
        self.context.load_cert_chain(self.certificate, self.key)


@dataclass(frozen=True, slots=True)
class GatewayKeys:
    """All that a gateway process may know."""

    link: Ed25519PrivateKey
    tls: Tls


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """All of the server's keys but the CA's, which is read only while it signs."""

    state: Ed25519PrivateKey
    command: Ed25519PrivateKey
    link: Ed25519PrivateKey
    audit: Ed25519PrivateKey
    session: Ed25519PrivateKey
    account: Ed25519PrivateKey
    tls: Tls
    ca: bytes                           # the CA certificate in PEM
    age: SecretStr                      # AGE-SECRET-KEY-1...

    @property
    def ca_pin(self) -> str:
        """SHA-256 in hex of the CA certificate in DER, as enrolment tokens carry it."""
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.ca.decode())).hexdigest()

    @property
    def root_pin(self) -> str:
        """SHA-256 in hex of the state key's public half."""
        return hashlib.sha256(public_bytes(self.state)).hexdigest()

    @property
    def trust(self) -> Trust:
        """What agents check against their pins."""
        return Trust(
            ca=self.ca.decode(),
            state_key=_text(public_bytes(self.state)),
            link_key=_text(public_bytes(self.link)),
        )


def make(folder: Path, names: Sequence[str], now: int) -> list[str]:
    """Make what is missing; the names of the files made. A key that is there is never touched."""
    files.make_folder(folder)
    made = [
        name for name in ("ca.key", "tls.key", *SIGNING, "age.key")
        if not (folder / name).exists() and files.write_new(folder / name, _fresh(name))
    ]
    if not (folder / "ca.crt").exists():
        ca = certificates.make_ca(_elliptic(folder / "ca.key"), now)
        made += ["ca.crt"] if files.write_new(folder / "ca.crt", certificates.pem(ca)) else []
    return made + (["tls.crt"] if renew(folder, names, now) else [])


def complete(folder: Path) -> list[str]:
    """Make the keys that servers of before did not have; the names of those."""
    return [
        name for name in ("command.key", "audit.key", "session.key", "account.key", "age.key")
        if not (folder / name).exists() and files.write_new(folder / name, _fresh(name))
    ]


def renew(folder: Path, names: Sequence[str], now: int) -> bool:
    """Make a new TLS certificate when the old one ends soon or lacks a name; whether it was made."""
    path = folder / "tls.crt"
    ca = _certificate(folder / "ca.crt")
    key = _elliptic(folder / "tls.key").public_key()
    if path.exists():
        old = _certificate(path)
        if old.issuer == ca.subject and old.public_key() == key and not certificates.due(old, names, now):
            return False
    signed = certificates.make_server(ca, _elliptic(folder / "ca.key"), key, names, now)
    files.replace(path, certificates.pem(signed))
    return True


def load_server(folder: Path) -> ServerKeys:
    """The server's keys; NotFound or InputInvalid with what to do when one is missing or damaged."""
    return ServerKeys(
        state=_edwards(folder / "state.key"), command=_edwards(folder / "command.key"),
        link=_edwards(folder / "link.key"), audit=_edwards(folder / "audit.key"),
        session=_edwards(folder / "session.key"), account=_edwards(folder / "account.key"), tls=_tls(folder),
        ca=files.read(folder / "ca.crt"), age=_age(folder / "age.key"),
    )


def load_gateway(folder: Path) -> GatewayKeys:
    """What a gateway needs and nothing else."""
    return GatewayKeys(link=_edwards(folder / "link.key"), tls=_tls(folder))


def _tls(folder: Path) -> Tls:
    certificate, key = folder / "tls.crt", folder / "tls.key"
    files.read(certificate), files.read(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as cause:
        raise _damaged(certificate) from cause
    return Tls(certificate, key, context)


def _fresh(name: str) -> bytes:
    if name == "age.key":
        from pyrage import x25519  # imported by who makes a key, and by nobody who starts with one

        return f"{x25519.Identity.generate()}\n".encode()
    made: Ed25519PrivateKey | EllipticCurvePrivateKey
    made = certificates.fresh_key() if name in ("ca.key", "tls.key") else Ed25519PrivateKey.generate()
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _age(path: Path) -> SecretStr:
    """The line of an age key file that is no comment."""
    lines = [line.strip() for line in files.read(path).decode("ascii", "replace").splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    if len(found) != 1 or not _AGE.fullmatch(found[0]):
        raise _damaged(path)
    return SecretStr(found[0])


def _edwards(path: Path) -> Ed25519PrivateKey:
    key = _private(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise _damaged(path)
    return key


def _elliptic(path: Path) -> EllipticCurvePrivateKey:
    key = _private(path)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise _damaged(path)
    return key


def _private(path: Path) -> object:
    try:
        return load_pem_private_key(files.read(path), password=None)
    except (ValueError, TypeError) as cause:
        raise _damaged(path) from cause


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(files.read(path))
    except ValueError as cause:
        raise _damaged(path) from cause


def _damaged(path: Path) -> InputInvalid:
    return InputInvalid(f"the key file {path} is damaged", hint="bring it back from a backup")


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
