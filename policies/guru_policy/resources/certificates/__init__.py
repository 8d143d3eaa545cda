"""An X.509 certificate as people give it: one, in PEM, without its private key. It only reads."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from guru_policy.model import wrong


class Read(NamedTuple):
    """A certificate: PEM as OpenSSL writes it, base64 of its DER, digests in hex, end in ms and as a date."""

    pem: str
    base64: str
    sha1: str
    sha256: str
    authority: bool
    ends_at: int
    ends_on: str


@lru_cache(maxsize=256)
def read_certificate(text: str) -> Read:
    """What the PEM says. Raises the error of a validator when it is no certificate, or more than that."""
    import base64

    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    if "PRIVATE KEY" in text:
        raise wrong("this holds a private key", hint="take it out, and count it as known to others")
    try:
        (found,) = x509.load_pem_x509_certificates(text.encode())
        basic = [one.value for one in found.extensions if isinstance(one.value, x509.BasicConstraints)]
    except ValueError as cause:
        raise wrong("this is not one certificate in PEM", hint="one block of BEGIN and END CERTIFICATE") from cause
    ends = found.not_valid_after_utc
    return Read(
        pem=found.public_bytes(Encoding.PEM).decode(),
        base64=base64.b64encode(found.public_bytes(Encoding.DER)).decode(),
        sha1=found.fingerprint(SHA1()).hex().upper(),  # noqa: S303 - Windows and macOS name certificates by it
        sha256=found.fingerprint(SHA256()).hex().upper(),
        authority=any(one.ca for one in basic),
        ends_at=int(ends.timestamp() * 1000),
        ends_on=f"{ends:%Y-%m-%d}",
    )
