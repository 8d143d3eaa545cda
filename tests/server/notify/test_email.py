"""Mail through a real SMTP server on loopback."""

from __future__ import annotations

import asyncio
import datetime
import email
import email.policy
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from guru_policy.errors import Undelivered
from guru_policy.kinds.notification_channel import Email
from guru_server.notify.channels import Message
from guru_server.notify.email import Mail, compose
from tests.server.notify.conftest import PAYLOAD

MESSAGE = Message("ab" * 16, 1_700_000_000_000, PAYLOAD)
NOC = Email(type="email", to=("noc@msp.example", "on-call@msp.example"))


class Mailbox:
    """Keeps what arrives; answers `refusal` instead when one is set."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.encrypted: list[bool] = []
        self.refusal = ""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - theirs
        if self.refusal:
            return self.refusal
        parsed = email.message_from_bytes(bytes(envelope.content or b""), policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append(parsed)
        self.recipients.append(envelope.rcpt_tos)
        self.encrypted.append(session.ssl is not None)
        return "250 taken"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that trusts itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    day, here = datetime.timedelta(1), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - day).not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([here]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("smtp") / "both.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))
    return file


class Listener(Controller):
    """A controller that tells its port once it listens on a free one."""

    @property
    def bound(self) -> int:
        return int(self.server.sockets[0].getsockname()[1])  # type: ignore[union-attr]

    def _trigger_server(self) -> None:
        self.port = self.bound
        super()._trigger_server()


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


@pytest.fixture
def plain_server(box: Mailbox) -> Iterator[int]:
    server = Listener(box, hostname="127.0.0.1", port=0)
    server.start()
    yield server.bound
    server.stop()


@pytest.fixture
def starttls_server(box: Mailbox, certificate: Path) -> Iterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    def check(_server: SMTP, _session: Session, _envelope: Envelope, _kind: str, data: object) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"guru", b"open sesame")
        return AuthResult(success=right, handled=right)

    server = Listener(
        box, hostname="127.0.0.1", port=0, tls_context=context, require_starttls=True, authenticator=check,
        auth_required=True,
    )
    server.start()
    yield server.bound
    server.stop()


async def test_a_mail_reaches_every_address_with_all_a_person_needs(box: Mailbox, plain_server: int) -> None:
    await Mail("127.0.0.1", plain_server, "none", sender="guru@msp.example").deliver(NOC, MESSAGE)

    (mail,) = box.mails
    assert box.recipients == [list(NOC.to)]
    assert mail["Subject"] == "[HIGH] web1 is full"
    assert mail["Message-ID"] == f"<{MESSAGE.id}@msp.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    assert "Device: web1" in text
    assert "Says: 97.5 % full" in text


async def test_starttls_checks_the_certificate_before_it_signs_in(
    box: Mailbox, starttls_server: int, certificate: Path
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    login = {"user": "guru", "password": SecretStr("open sesame")}

    with pytest.raises(Undelivered, match="certificate"):
        await Mail("127.0.0.1", starttls_server, "starttls", "guru", SecretStr("x")).deliver(NOC, MESSAGE)
    await Mail("127.0.0.1", starttls_server, "starttls", tls=trusting, **login).deliver(NOC, MESSAGE)  # type: ignore[arg-type]

    assert box.encrypted == [True]


async def test_a_wrong_password_is_told_without_it(starttls_server: int, certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    mail = Mail("127.0.0.1", starttls_server, "starttls", "guru", SecretStr("tr0ub4dor"), tls=trusting)

    with pytest.raises(Undelivered, match="535") as caught:
        await mail.deliver(NOC, MESSAGE)
    assert "tr0ub4dor" not in str(caught.value)


async def test_a_server_without_starttls_gets_nothing(box: Mailbox, plain_server: int) -> None:
    with pytest.raises(Undelivered):
        await Mail("127.0.0.1", plain_server, "starttls").deliver(NOC, MESSAGE)
    assert box.mails == []


async def test_mail_in_the_clear_stays_on_this_machine() -> None:
    with pytest.raises(Undelivered, match="in the clear") as caught:
        await Mail("mail.msp.example", 25, "none").deliver(NOC, MESSAGE)
    assert not caught.value.again


async def test_without_a_mail_server_the_setting_is_named() -> None:
    with pytest.raises(Undelivered) as caught:
        await Mail(None).deliver(NOC, MESSAGE)
    assert "smtp.host" in caught.value.hint


async def test_a_mail_the_server_refuses_is_tried_again(box: Mailbox, plain_server: int) -> None:
    box.refusal = "451 come back later"

    with pytest.raises(Undelivered, match="451") as caught:
        await Mail("127.0.0.1", plain_server, "none").deliver(NOC, MESSAGE)
    assert caught.value.again


async def test_nobody_listening_is_tried_again(plain_server: int) -> None:
    with pytest.raises(Undelivered, match="cannot be used") as caught:
        await Mail("127.0.0.1", 1, "none").deliver(NOC, MESSAGE)
    assert caught.value.again


def test_a_device_cannot_smuggle_a_header_into_the_mail() -> None:
    evil = {**PAYLOAD, "summary": "full\r\nBcc: thief@evil.example\r\n\r\nhello", "severity": "high\nX-A: b"}

    raw = compose("guru@msp.example", NOC.to, Message("ab", 0, evil)).as_bytes()

    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert parsed["Bcc"] is None
    assert parsed["X-A"] is None
    assert "\n" not in str(parsed["Subject"])


@pytest.mark.parametrize("address", ["noc", "a@b\r\nBcc: c@d", "", "a b@c"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(Undelivered, match="not a mail address") as caught:
        compose("guru@msp.example", (address,), MESSAGE)
    assert not caught.value.again


async def test_a_mail_server_that_says_nothing_holds_up_no_other_thread() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as deaf:
        mail = Mail("127.0.0.1", deaf.getsockname()[1], "starttls")
        stuck = [asyncio.create_task(mail.deliver(NOC, MESSAGE)) for _ in range(40)]
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            done = await asyncio.to_thread(lambda: "done")
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)

    assert done == "done"
