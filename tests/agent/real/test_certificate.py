"""Certificates in Debian's store, as update-ca-certificates makes it and OpenSSL believes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from guru_policy.resources.certificate import Certificate
from tests.agent.real.world import NOTHING, converge, done, run, tell, write

KEY = ec.generate_private_key(ec.SECP256R1())


def pem(*, authority: bool = True, days: int = 30) -> str:
    """A self-signed certificate that ends in so many days."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Guru Test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
        .serial_number(7).not_valid_before(now - timedelta(days=60)).not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(KEY, SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


def test_an_authority_is_trusted_mended_and_taken_out() -> None:
    text = pem()
    spec = converge("certificate", name="test", certificate=text)
    verify = run("openssl", "verify", "/srv/test.pem")
    _, before, made, again, trusted, _, mended, gone, nothing, after = tell(
        write("/srv/test.pem", text), verify, spec, spec, verify,
        run("sh", "-c", "rm /usr/local/share/ca-certificates/guru-test.crt; update-ca-certificates --fresh"), spec,
        converge("certificate", name="test", certificate=text, ensure="absent"),
        converge("certificate", name="test", certificate=text, ensure="absent"), verify,
    )

    assert before["exit"] != 0
    assert done(made), made
    assert again == nothing == NOTHING
    assert trusted["out"] == "/srv/test.pem: OK\n"
    assert done(mended), mended
    assert done(gone), gone
    assert after["exit"] != 0


def test_a_certificate_that_has_ended_is_an_error_that_says_so() -> None:
    (ended,) = tell(converge("certificate", name="test", certificate=pem(days=-1)))

    assert ended["error"].startswith("the certificate ended on 20")


def test_what_is_no_certificate_of_an_authority_is_refused() -> None:
    key = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for text in ("", "hello", pem(authority=False), pem() + pem(), pem() + key, pem().replace("M", "*")):
        with pytest.raises(ValidationError):
            Certificate(name="test", certificate=text)
    assert Certificate(name="test", certificate=pem(authority=False), store="people").served() == {"windows"}
