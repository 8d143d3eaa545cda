"""The server's keys on disk: made once, loaded by need. Those of the signer are made here and never loaded.

ca.key|crt      signs the TLS certificate (ECDSA P-256); enrolment tokens pin ca.crt
tls.key|crt     the server's TLS identity; the certificate is renewed by itself, the key stays
link.key        signs the Welcome of a link (Ed25519)
session.key     signs people's access tokens and nothing else (Ed25519)
account.key     seals second factors and marks refresh tokens, by keys derived from it
state.key       the signer's: signs manifests (Ed25519); enrolment tokens pin it
command.key     the signer's: signs orders of jobs (Ed25519); agents believe it because the state key vouches for it
audit.key       the signer's: signs checkpoints of the audit log and nothing else (Ed25519)
age.key         opens the secrets of the fleet repository (age, X25519), as `age-keygen` would write it
"""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from guru_policy.errors import InputInvalid
from guru_server.keys import certificates, files, opening
from guru_server.signer.asking import Signatures
from guru_wire.enrolment import Trust
from guru_wire.signing import Signed, public_bytes
from guru_wire.trusting import TrustWord

SIGNERS = ("state.key", "command.key", "audit.key")
OWN = ("ca.key", "tls.key", "link.key", "session.key", "account.key", "age.key")
TENANTS = ("link.key", "session.key", "account.key", "age.key")
MOST_AGE = 8                            # identities of age.key: the newest, and those before it
_AGE = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{58}")


@dataclass(frozen=True, slots=True)
class Tls:
    """The certificate and key that the listener shows; `reload` takes a renewed certificate into use."""

    certificate: Path
    key: Path
    context: ssl.SSLContext
    passphrase: bytes = field(default=b"", repr=False)

    def reload(self) -> None:
        """New connections get what is on disk now; living ones keep theirs."""
        self.context.load_cert_chain(self.certificate, self.key, self.passphrase)


@dataclass(frozen=True, slots=True)
class GatewayKeys:
    """All that a gateway process may know."""

    link: Ed25519PrivateKey
    tls: Tls


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """What the server works with: keys of its own, and the signer for the others."""

    signer: Signatures
    link: Ed25519PrivateKey
    session: Ed25519PrivateKey
    account: Ed25519PrivateKey
    tls: Tls
    ca: bytes                           # the CA certificate in PEM
    age: SecretStr                      # AGE-SECRET-KEY-1..., the newest first, a line each

    @property
    def ca_pin(self) -> str:
        """SHA-256 in hex of the CA certificate in DER, as enrolment tokens carry it."""
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.ca.decode())).hexdigest()

    @property
    def root_pin(self) -> str:
        """SHA-256 in hex of the state key's public half."""
        return hashlib.sha256(self.signer.public("state")).hexdigest()

    @property
    def trust(self) -> Trust:
        """What agents check against their pins, and how those who pinned other keys come to these."""
        told = self.signer.trust()
        return Trust(
            ca=self.ca.decode(),
            state_key=_text(self.signer.public("state")),
            link_key=_text(public_bytes(self.link)),
            chain=tuple(Signed.model_validate(one) for one in told["chain"]),
            word=Signed.model_validate(told["word"]) if told["word"] else None,
        )

    @property
    def trust_serial(self) -> int:
        """Of the newest word of trust; 0 before the first."""
        word = self.trust.word
        return TrustWord.model_validate_json(word.payload).serial if word else 0

    def vouched(self) -> bool:
        """Whether the newest state key's newest word names the link key and authority that are here."""
        trust = self.trust
        if trust.word is None or trust.word.key != self.signer.id_of("state"):
            return False
        word = TrustWord.model_validate_json(trust.word.payload)
        return (word.link_key, word.ca) == (trust.link_key, trust.ca)


def make(
    folder: Path, names: Sequence[str], now: int, passphrase: bytes | None = None, *, signer: bool = True
) -> list[str]:
    """Make what is missing; the names of the files made. A key that is there is never touched.

    `signer`: the signer's keys are in this folder, too.
    """
    files.make_folder(folder)
    made = [
        name for name in (*OWN, *(SIGNERS if signer else ()))
        if not (folder / name).exists() and files.write_new(folder / name, fresh(name, passphrase))
    ]
    if not (folder / "ca.crt").exists():
        ca = certificates.make_ca(opening.elliptic(folder / "ca.key", passphrase), now)
        made += ["ca.crt"] if files.write_new(folder / "ca.crt", certificates.pem(ca)) else []
    return made + (["tls.crt"] if renew(folder, names, now, passphrase) else [])


def make_tenant(folder: Path, passphrase: bytes | None = None, *, signer: bool = True) -> list[str]:
    """The keys of a tenant beside the first: all but authority and certificate, which are the server's."""
    files.make_folder(folder)
    return [
        name for name in (*TENANTS, *(SIGNERS if signer else ()))
        if not (folder / name).exists() and files.write_new(folder / name, fresh(name, passphrase))
    ]


def complete(folder: Path, passphrase: bytes | None = None, *, signer: bool = True) -> list[str]:
    """Make the keys that servers of before did not have; the names of those."""
    return [
        name for name in (*(("command.key", "audit.key") if signer else ()), "session.key", "account.key", "age.key")
        if not (folder / name).exists() and files.write_new(folder / name, fresh(name, passphrase))
    ]


def renew(folder: Path, names: Sequence[str], now: int, passphrase: bytes | None = None) -> bool:
    """Make a new TLS certificate when the old one ends soon or lacks a name; whether it was made."""
    path = folder / "tls.crt"
    ca = _certificate(folder / "ca.crt")
    key = opening.elliptic(folder / "tls.key", passphrase).public_key()
    if path.exists():
        old = _certificate(path)
        if _issued_by(old, ca) and old.public_key() == key and not certificates.due(old, names, now):
            return False
    signed = certificates.make_server(ca, opening.elliptic(folder / "ca.key", passphrase), key, names, now)
    files.replace(path, certificates.pem(signed))
    return True


def load_server(folder: Path, signer: Signatures, passphrase: bytes | None = None) -> ServerKeys:
    """The server's keys; NotFound or InputInvalid with what to do when one is missing or damaged."""
    return ServerKeys(
        signer=signer, link=opening.edwards(folder / "link.key", passphrase),
        session=opening.edwards(folder / "session.key", passphrase),
        account=opening.edwards(folder / "account.key", passphrase), tls=_tls(folder, passphrase),
        ca=files.read(folder / "ca.crt"), age=load_age(folder, passphrase),
    )


def load_tenant(folder: Path, signer: Signatures, host: ServerKeys, passphrase: bytes | None = None) -> ServerKeys:
    """A tenant's keys beside the authority and certificate of the server that it is on."""
    return ServerKeys(
        signer=signer, link=opening.edwards(folder / "link.key", passphrase),
        session=opening.edwards(folder / "session.key", passphrase),
        account=opening.edwards(folder / "account.key", passphrase), tls=host.tls, ca=host.ca,
        age=load_age(folder, passphrase),
    )


def load_gateway(folder: Path, passphrase: bytes | None = None) -> GatewayKeys:
    """What a gateway needs and nothing else."""
    return GatewayKeys(link=opening.edwards(folder / "link.key", passphrase), tls=_tls(folder, passphrase))


def pin_of(folder: Path) -> str:
    """SHA-256 in hex of the CA certificate in DER."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(files.read(folder / "ca.crt").decode())).hexdigest()


def load_age(folder: Path, passphrase: bytes | None = None) -> SecretStr:
    """The identities of age.key that are no comment, the newest first."""
    path = folder / "age.key"
    data = files.read(path)
    if data.startswith(opening.AGE_FILE):
        data = _unsealed_age(path, data, passphrase)
    lines = [line.strip() for line in data.decode("ascii", "replace").splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    if not 0 < len(found) <= MOST_AGE or not all(_AGE.fullmatch(line) for line in found):
        raise opening.damaged(path)
    return SecretStr("\n".join(found))


def fresh(name: str, passphrase: bytes | None) -> bytes:
    """A new key as its file holds it."""
    if name == "age.key":
        from pyrage import x25519  # imported by who makes a key, and by nobody who starts with one

        return sealed_age(f"{x25519.Identity.generate()}\n".encode(), passphrase)
    made: opening.Private = (
        certificates.fresh_key() if name in ("ca.key", "tls.key") else Ed25519PrivateKey.generate()
    )
    return opening.written(made, passphrase)


def sealed_age(data: bytes, passphrase: bytes | None) -> bytes:
    """What age.key holds, sealed under the passphrase when there is one."""
    if passphrase is None:
        return data
    from pyrage import passphrase as by_passphrase

    return bytes(by_passphrase.encrypt(data, passphrase.decode()))


def _unsealed_age(path: Path, data: bytes, passphrase: bytes | None) -> bytes:
    from pyrage import DecryptError
    from pyrage import passphrase as by_passphrase

    if passphrase is None:
        raise InputInvalid(f"the key file {path} is sealed, and nothing opens it", hint="set signer.passphrase_file")
    try:
        return bytes(by_passphrase.decrypt(data, passphrase.decode()))
    except DecryptError as cause:
        raise InputInvalid(f"the key file {path} does not open with this passphrase") from cause


def _tls(folder: Path, passphrase: bytes | None) -> Tls:
    certificate, key = folder / "tls.crt", folder / "tls.key"
    files.read(certificate), files.read(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION
    try:
        # an empty passphrase: OpenSSL asks nobody on the terminal for one
        context.load_cert_chain(certificate, key, passphrase or b"")
    except ssl.SSLError as cause:
        raise opening.damaged(certificate) from cause
    return Tls(certificate, key, context, passphrase or b"")


def _issued_by(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(files.read(path))
    except ValueError as cause:
        raise opening.damaged(path) from cause


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
