"""A provider of SAML that says what it is told to, signs by a library that the server does not use, and a person."""

from __future__ import annotations

import base64
import secrets
import subprocess
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from guru_server.api.edge import Edge
from guru_server.bus import LocalBus
from guru_server.clock import SetClock
from guru_server.keys import keys
from guru_server.settings import ServerSettings
from guru_server.store.database import Database
from guru_server.wiring import Ground, wire_api
from tests.server.rights.conftest import binding, role
from tests.server.sso.conftest import CUSTOMER, Office, database_url

__all__ = ["database_url"]

SERVER = "https://guru.example"
OURS, ANSWERS = f"{SERVER}/auth/saml/metadata", f"{SERVER}/auth/saml/acs"
THEIRS = "https://id.example/saml"
MFA = "https://refeds.org/profile/mfa"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
RSA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ASSERTED, SPOKEN = "urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol"
SPACES = f'xmlns:saml="{ASSERTED}" xmlns:samlp="{SPOKEN}" xmlns:ds="{DSIG}"'
PEOPLE = "\n---\n".join(
    f"apiVersion: guru/v1\nkind: Person\nmetadata: {{name: {name}}}\nspec: {{email: {name}@{domain}}}"
    for name, domain in (("bo", "example.com"), ("ada", "example.com"), ("cy", "elsewhere.example")))


def moment(now: int, seconds: float = 0) -> str:
    return (datetime.fromtimestamp(now / 1000 + seconds, UTC)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def certificate(key: Any, since: datetime, days: int = 400) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "id.example")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), since,
                                   since + timedelta(days=days))
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


def provider(*pems: str, name: str = "corp", more: str = "", saml: str = "") -> str:
    blocks = "".join("    - |\n" + "".join(f"      {line}\n" for line in pem.strip().splitlines()) for pem in pems)
    return (f"apiVersion: guru/v1\nkind: IdentityProvider\nmetadata: {{name: {name}}}\nspec:\n"
            "  domains: [example.com]\n"
            f"  claims: {{tenant: acme}}\n  groups: {{'rmm desk': helpdesk}}\n  secondFactor: ['{MFA}']\n{more}"
            f"  saml:\n    entityId: {THEIRS}\n    signOn: https://id.example/sso?x=1\n{saml}"
            f"    certificates:\n{blocks}")


class Idp:
    """`about` is what it says; `signs` what it signs."""

    def __init__(self, folder: Path, clock: SetClock, key: Any) -> None:
        self.folder, self.clock, self.key = folder, clock, key
        since = datetime.fromtimestamp(clock() / 1000, UTC) - timedelta(days=1)
        self.pem = certificate(key, since)
        self.signs, self.method, self.digest = ["assertion"], RSA256, "http://www.w3.org/2001/04/xmlenc#sha256"
        self.hmac: bytes | None = None
        self.about: dict[str, Any] = {
            "issuer": THEIRS, "name": "bo@example.com", "audience": OURS, "recipient": ANSWERS, "destination": ANSWERS,
            "request": None, "since": -5, "until": 300, "confirmed": 300, "began": -5, "ended": 3600, "context": MFA,
            "status": "urn:oasis:names:tc:SAML:2.0:status:Success", "method": "urn:oasis:names:tc:SAML:2.0:cm:bearer",
            "attributes": {"tenant": ["acme"], "groups": ["rmm desk", "admin"]}, "more": "", "answers": None,
            "statement": True, "conditions": ""}

    def asked(self, address: str) -> tuple[ElementTree.Element, str]:
        """The request that a browser brings, and its RelayState."""
        words = parse_qs(urlsplit(address).query)
        raw = zlib.decompress(base64.b64decode(words["SAMLRequest"][0]), -15)
        return ElementTree.fromstring(raw), words["RelayState"][0]

    def answered(self, address: str) -> dict[str, str]:
        """Somebody signs in at `address`: the form that goes back."""
        request, relay = self.asked(address)
        return form(self.signed(self.written(request.get("ID", ""))), relay)

    def written(self, request: str) -> str:
        say, now = self.about, self.clock()
        attributes = "".join(
            f'<saml:Attribute Name="{name}">' + "".join(
                f"<saml:AttributeValue>{one}</saml:AttributeValue>" for one in values) + "</saml:Attribute>"
            for name, values in say["attributes"].items())
        ids = {"Response": f"_{secrets.token_hex(16)}", "Assertion": f"_{secrets.token_hex(16)}"}
        answers = request if say["answers"] is None else say["answers"]
        to = "".join(f' {name}="{value}"' for name, value in (
            ("Destination", say["destination"]), ("InResponseTo", answers)) if value)
        statement = (
            f'<saml:AuthnStatement AuthnInstant="{moment(now, say["began"])}" '
            f'SessionNotOnOrAfter="{moment(now, say["ended"])}"><saml:AuthnContext><saml:AuthnContextClassRef>'
            f'{say["context"]}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>')
        return (
            f'<samlp:Response {SPACES} ID="{ids["Response"]}" Version="2.0" IssueInstant="{moment(now)}"{to}>'
            f'<saml:Issuer>{say["issuer"]}</saml:Issuer>{self._unsigned("response", ids["Response"])}'
            f'<samlp:Status><samlp:StatusCode Value="{say["status"]}"/></samlp:Status>'
            f'<saml:Assertion ID="{ids["Assertion"]}" Version="2.0" IssueInstant="{moment(now)}">'
            f'<saml:Issuer>{say["issuer"]}</saml:Issuer>{self._unsigned("assertion", ids["Assertion"])}'
            f'<saml:Subject><saml:NameID>{say["name"]}</saml:NameID>'
            f'<saml:SubjectConfirmation Method="{say["method"]}"><saml:SubjectConfirmationData '
            f'Recipient="{say["recipient"]}" NotOnOrAfter="{moment(now, say["confirmed"])}" '
            f'InResponseTo="{request if say["request"] is None else say["request"]}"/></saml:SubjectConfirmation>'
            f'</saml:Subject><saml:Conditions NotBefore="{moment(now, say["since"])}" '
            f'NotOnOrAfter="{moment(now, say["until"])}"><saml:AudienceRestriction><saml:Audience>{say["audience"]}'
            f'</saml:Audience></saml:AudienceRestriction>{say["conditions"]}</saml:Conditions>'
            f'{statement if say["statement"] else ""}<saml:AttributeStatement>{attributes}</saml:AttributeStatement>'
            f'{say["more"]}</saml:Assertion></samlp:Response>')

    def _unsigned(self, what: str, ident: str) -> str:
        if what not in self.signs:
            return ""
        exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
        return (f'<ds:Signature><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{exclusive}"/>'
                f'<ds:SignatureMethod Algorithm="{self.method}"/><ds:Reference URI="#{ident}"><ds:Transforms>'
                f'<ds:Transform Algorithm="{DSIG}enveloped-signature"/><ds:Transform Algorithm="{exclusive}"/>'
                f'</ds:Transforms><ds:DigestMethod Algorithm="{self.digest}"/><ds:DigestValue/></ds:Reference>'
                "</ds:SignedInfo><ds:SignatureValue/></ds:Signature>")

    def signed(self, text: str) -> str:
        """By xmlsec1, the assertion before the response."""
        (self.folder / "key.pem").write_bytes(self.hmac or self.key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        for what in sorted(self.signs):
            (self.folder / "in.xml").write_text(text)
            path = "/*/*[local-name()='Signature']" if what == "response" else "//*[local-name()='Assertion']/*[2]"
            text = subprocess.run(
                ["xmlsec1", "--sign", "--hmackey" if self.hmac else "--privkey-pem", self.folder / "key.pem",
                 "--id-attr:ID", f"{ASSERTED}:Assertion", "--id-attr:ID", f"{SPOKEN}:Response", "--node-xpath", path,
                 self.folder / "in.xml"],
                capture_output=True, text=True, check=True, timeout=30).stdout
        return text


def form(text: str | bytes, relay: str) -> dict[str, str]:
    raw = text.encode() if isinstance(text, str) else text
    return {"SAMLResponse": base64.b64encode(raw).decode(), "RelayState": relay}


class House(Office):
    """An office whose provider speaks SAML."""

    idp: Idp    # type: ignore[assignment]  # it has what an office needs of one: a clock

    async def come_back(self, words: dict[str, str]) -> httpx.Response:
        return await self.http.post("/auth/saml/acs", data=words)

    async def sign_in(self) -> httpx.Response:
        return await self.sent(self.idp.answered(await self.leave()))

    async def sent(self, words: dict[str, str]) -> httpx.Response:
        back = await self.come_back(words)
        return back if back.status_code != 303 else await self.redeem(back)


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2048)


@pytest.fixture(scope="session")
def other_keys() -> tuple[rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey]:
    return rsa.generate_private_key(65_537, 2048), ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
async def house(
    db: Database, tmp_path: Path, server_keys: keys.ServerKeys, rsa_key: rsa.RSAPrivateKey
) -> AsyncIterator[House]:
    clock = SetClock()
    idp = Idp(tmp_path, clock, rsa_key)
    app, _ = wire_api(Ground(ServerSettings(data=tmp_path / "api"), db, LocalBus(), clock), server_keys, SERVER)
    transport = httpx.ASGITransport(Edge(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=SERVER) as http:
        made = House(http, db, idp, {})     # type: ignore[arg-type]  # as above
        await made.push({
            "org/provider.yaml": provider(idp.pem), "org/people.yaml": PEOPLE,
            "org/roles.yaml": role("look", "    look: {verbs: [device.read]}\n"),
            "org/bindings.yaml": binding("desk", "group:helpdesk", "look", "customers/acme"),
            "customers/acme/customer.yaml": CUSTOMER,
        })
        yield made
