"""Tells people by mail over SMTP. It never sends a password or a note in the clear to another machine."""

from __future__ import annotations

import asyncio
import ipaddress
import smtplib
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial
from typing import Literal

from pydantic import SecretStr

from guru_policy.errors import Undelivered
from guru_policy.kinds.notification_channel import Email
from guru_server.gateway.plain import plain
from guru_server.notify.channels import Message

TIMEOUT = 15.0                          # seconds a step of the SMTP dialogue may take
Security = Literal["starttls", "tls", "none"]


class Mail:
    """Delivers mail through one SMTP server; `host` None means that none is set."""

    def __init__(
        self,
        host: str | None,
        port: int = 587,
        security: Security = "starttls",
        user: str | None = None,
        password: SecretStr | None = None,
        sender: str = "guru@localhost",
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self._port, self._security = host, port, security
        self._user, self._password, self._sender = user, password, sender
        self._tls = tls

    async def deliver(self, channel: Email, message: Message) -> None:
        """Send one mail to all addresses of the channel; Undelivered when nobody took it."""
        if self._host is None:
            raise Undelivered("no mail server is set", hint="set smtp.host in the server's settings")
        if self._security == "none" and not _loopback(self._host):
            raise Undelivered(
                f"mail to {self._host} would travel in the clear",
                hint="set smtp.security to starttls or tls; none is for a mail server on this machine",
                again=False,
            )
        mail = compose(channel.sender or self._sender, channel.to, message)
        await _apart(partial(self._send, self._host, mail))

    def _send(self, host: str, mail: EmailMessage) -> None:
        try:
            with self._connected(host) as smtp:
                if self._user is not None:
                    smtp.login(self._user, self._password.get_secret_value() if self._password else "")
                refused = smtp.send_message(mail)
        except smtplib.SMTPRecipientsRefused as cause:
            codes = [code for code, _ in cause.recipients.values()]
            raise Undelivered(
                f"the mail server {host} refused every recipient", again=any(code < 500 for code in codes)
            ) from cause
        except smtplib.SMTPResponseException as cause:
            said = plain(_text(cause.smtp_error))
            raise Undelivered(f"the mail server {host} answered {cause.smtp_code}: {said}") from cause
        except (smtplib.SMTPException, OSError) as cause:
            raise Undelivered(f"the mail server {host} cannot be used: {plain(str(cause))}") from cause
        if refused:
            raise Undelivered(f"the mail server {host} refused {len(refused)} recipients", again=False)

    def _connected(self, host: str) -> smtplib.SMTP:
        context = self._tls or ssl.create_default_context()
        if self._security == "tls":
            return smtplib.SMTP_SSL(host, self._port, timeout=TIMEOUT, context=context)
        smtp = smtplib.SMTP(host, self._port, timeout=TIMEOUT)
        if self._security == "starttls":
            try:
                smtp.starttls(context=context)
            except (smtplib.SMTPException, OSError):
                smtp.close()
                raise
        return smtp


def _apart(work: Callable[[], None]) -> asyncio.Future[None]:
    """Run `work` in a thread of its own: a mail server that says nothing holds up no other work, nor the end."""
    done: Future[None] = Future()

    def run() -> None:
        if not done.set_running_or_notify_cancel():
            return
        try:
            work()
        except Exception as cause:      # noqa: BLE001 - it belongs to whoever waits for the result
            done.set_exception(cause)
        else:
            done.set_result(None)

    threading.Thread(target=run, name="guru-mail", daemon=True).start()
    return asyncio.wrap_future(done)


def compose(sender: str, to: tuple[str, ...], message: Message) -> EmailMessage:
    """The mail. Text from devices stands on one line each, and no header can be smuggled in."""
    payload = message.payload
    event, summary = str(payload.get("event", "")), plain(str(payload.get("summary", "")), 150)
    mail = EmailMessage()
    try:
        mail["From"] = Address(addr_spec=sender)
        mail["To"] = tuple(Address(addr_spec=address) for address in to)
    except (MessageError, ValueError, IndexError) as cause:
        raise Undelivered("the sender or a recipient is not a mail address", again=False) from cause
    word = "resolved" if event == "resolved" else plain(str(payload.get("severity", "")))
    mail["Subject"] = f"[{word.upper()}] {summary}"
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.sent_at / 1000, UTC))
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_body(message))
    return mail


def _body(message: Message) -> str:
    payload = message.payload
    device, check = payload.get("device"), payload.get("check")
    facts = {
        "Event": payload.get("event"),
        "Device": device.get("name") if isinstance(device, dict) else "",
        "Customer": f"{payload.get('customer')}/{payload.get('site')}",
        "Check": check.get("id") if isinstance(check, dict) else "",
        "State": check.get("state") if isinstance(check, dict) else "",
        "Says": check.get("message") if isinstance(check, dict) else "",
        "Rule": payload.get("rule"),
        "Reason": payload.get("reason"),
        "Alert": payload.get("alert"),
    }
    lines = [f"{name}: {plain(str(value), 500)}" for name, value in facts.items() if value]
    return "\n".join([plain(str(payload.get("summary", "")), 500), "", *lines, ""])


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said
