"""X.509 certificates as rows. It reads no files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import NameOID

from guru_agent.query.rows import Value

_PEM = b"-----BEGIN CERTIFICATE-----"


def read_certificates(data: bytes) -> Iterator[dict[str, Value]]:
    """The certificates of a file, PEM or DER; none for a key or anything else."""
    try:
        found = x509.load_pem_x509_certificates(data) if _PEM in data else [x509.load_der_x509_certificate(data)]
    except ValueError:
        return
    now = dt.datetime.now(dt.UTC)
    yield from (describe(certificate, now) for certificate in found)


def describe(certificate: x509.Certificate, now: dt.datetime) -> dict[str, Value]:
    """The row of a certificate, without its path."""
    ends = certificate.not_valid_after_utc
    algorithm = certificate.signature_hash_algorithm
    kind, bits = _key(certificate)
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return {
        "common_name": str(names[0].value) if names else None, "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(), "names": _names(certificate), "ca": _ca(certificate),
        "self_signed": int(certificate.subject == certificate.issuer),
        "not_valid_before": int(certificate.not_valid_before_utc.timestamp()),
        "not_valid_after": int(ends.timestamp()), "days_left": (ends - now).days,
        "signing_algorithm": algorithm.name if algorithm else kind, "key_algorithm": kind, "key_strength": bits,
        "serial": f"{certificate.serial_number:x}", "sha256": certificate.fingerprint(hashes.SHA256()).hex(),
    }


def _key(certificate: x509.Certificate) -> tuple[str | None, int | None]:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None, None
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "EC", key.key_size
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "Ed25519", 256
    return ("Ed448", 456) if isinstance(key, ed448.Ed448PublicKey) else (type(key).__name__, None)


def _names(certificate: x509.Certificate) -> str | None:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    names = [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]
    return " ".join(names) or None


def _ca(certificate: x509.Certificate) -> int:
    try:
        return int(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return 0
