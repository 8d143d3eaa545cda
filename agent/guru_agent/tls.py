"""The one TLS context of the agent: the pinned authority and nothing else. Nothing switches it off."""

from __future__ import annotations

import ssl

from guru_policy.errors import Untrusted


def pinned(ca: str) -> ssl.SSLContext:
    """A client context that believes this certificate (PEM) only, and checks host names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=ca)
    except ssl.SSLError as cause:
        raise Untrusted("the server's certificate authority is not a readable certificate") from cause
    return context


def der_of(ca: str) -> bytes:
    """The certificate in DER, as its pin is taken over it; Untrusted when there is not exactly one."""
    if ca.count("-----BEGIN CERTIFICATE-----") != 1:
        raise Untrusted("the server offers no single authority certificate")
    try:
        return ssl.PEM_cert_to_DER_cert(ca.strip())
    except ValueError as cause:
        raise Untrusted("the server's authority certificate is not PEM") from cause
