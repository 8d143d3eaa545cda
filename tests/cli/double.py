"""A real HTTPS server on loopback that gives canned answers of the operator's models. It decides nothing."""

from __future__ import annotations

import datetime
import http.server
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import BaseModel

TOKEN = "token-of-a-test"
Reply = BaseModel | dict[str, Any] | tuple[int, Any]


class Asked(NamedTuple):
    """One request that came."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    authorization: str
    key: str = ""                       # its Idempotency-Key


class Authority(NamedTuple):
    """A certificate authority and a certificate for localhost, as PEM."""

    ca: str
    certificate: str
    key: str


def make_authority(name: str = "test authority") -> Authority:
    """A new authority with one leaf for localhost and 127.0.0.1."""
    now = datetime.datetime.now(datetime.UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(public)
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=90))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )

    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    ca = builder(ca_name, ca_key.public_key()).add_extension(
        x509.BasicConstraints(True, 0), critical=True).add_extension(usage, critical=True).sign(ca_key, hashes.SHA256())
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    about = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    leaf_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    leaf = builder(leaf_name, key.public_key()).add_extension(names, critical=False).add_extension(
        about, critical=False).sign(ca_key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Authority(ca.public_bytes(pem).decode(), leaf.public_bytes(pem).decode(), private.decode())


@dataclass
class Double:
    """The server. `answers` maps `METHOD /path` to a model, a dict, (status, dict) or a function of the request."""

    authority: Authority
    answers: dict[str, Reply | Callable[[Asked], Reply]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    losing: int = 0                     # so many answers get lost on their way
    otherwise: Callable[[Asked], Reply | None] | None = None       # answers what no other does
    busy: int = 0                       # so many requests are told to come again in a second

    def answer(self, asked: Asked) -> tuple[int, bytes]:
        """Status and body for a request."""
        self.asked.append(asked)
        found = self.answers.get(f"{asked.method} {asked.path}")
        if callable(found) and not isinstance(found, BaseModel):
            found = found(asked)
        if found is None and self.otherwise is not None:
            found = self.otherwise(asked)
        if found is None:
            found = problem(404, "G0404", "nothing has that name", 5)
        status, content = found if isinstance(found, tuple) else (200, found)
        if isinstance(content, bytes):
            return status, content
        body = content.model_dump_json(by_alias=True) if isinstance(content, BaseModel) else json.dumps(content)
        return status, body.encode()

    def requests(self, method: str, path: str) -> list[Asked]:
        """The requests that came for a path."""
        return [one for one in self.asked if (one.method, one.path) == (method, path)]


def _read(kind: str, raw: bytes) -> Any:
    """The body of a request: bytes as they are, JSON otherwise."""
    return raw if kind == "application/octet-stream" else json.loads(raw) if raw else None


def problem(status: int, code: str, detail: str, exit_code: int, **more: Any) -> tuple[int, dict[str, Any]]:
    """A problem document."""
    return status, {"title": "Problem", "status": status, "code": code, "detail": detail, "exitCode": exit_code} | more


def serve(double: Double, folder: Path) -> http.server.ThreadingHTTPServer:
    """Serve the double on a free port; the caller shuts it down."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            path = unquote(parts.path).removeprefix("/api/v1")
            status, body = double.answer(Asked(
                self.command, path, query, _read(self.headers.get("Content-Type", ""), raw),
                self.headers.get("Authorization", ""), self.headers.get("Idempotency-Key", "")))
            if double.losing:
                double.losing -= 1
                self.close_connection = True
                return
            if double.busy:
                double.busy -= 1
                status, body = 429, json.dumps(problem(429, "G0403", "too many", 8)[1]).encode()
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = do_PUT = _any  # noqa: N815 - the names that http.server asks for

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    for name, text in (("cert.pem", double.authority.certificate), ("key.pem", double.authority.key)):
        (folder / name).write_text(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    server.daemon_threads = True
    double.url = f"https://localhost:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server
