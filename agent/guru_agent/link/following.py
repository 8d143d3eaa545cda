"""Follows the server's keys when they changed: asks for its chain of trust, and believes what the pinned key leads to.

The question is asked over a connection that TLS does not verify, since the authority may be what changed. Nothing
secret is said there, and whoever answers can only withhold: every step is signed, from the pinned key on.
"""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from pydantic import ValidationError

from guru_agent.link.carrier import Server
from guru_agent.link.requests import Line
from guru_agent.logs import say
from guru_agent.state.files import replace_private
from guru_agent.state.identity import TRUST_FILE, Identity
from guru_agent.tls import der_of, pinned
from guru_policy.errors import GuruError, Unreachable, Untrusted
from guru_wire.enrolment import Trust
from guru_wire.trusting import follow

LOG = logging.getLogger(__name__)
TRUST_PATH = "/api/v1/trust"
TIMEOUT = 20.0                          # seconds of the request
MOST = 1 << 20                          # bytes of its answer
MOST_FORMER = 8                         # state keys of before that open what is kept on disk


class Follower:
    """Keeps what this device trusts up to date, in memory and on disk."""

    def __init__(self, identity: Identity, folder: Path) -> None:
        self._identity, self._folder = identity, folder

    @property
    def serial(self) -> int:
        """Of the newest word of trust that was believed; 0: that of the enrolment."""
        return self._identity.trusted.serial

    def follow(self, server: Server) -> Server | None:
        """The server as it is to be dialled from now on; None when nothing new is to be believed. It blocks."""
        known = self._identity.trusted
        try:
            trust = ask_trust(server)
            if trust.word is None:
                return None
            found = follow(known.state_key, known.serial, trust.chain, trust.word)
            ca = ssl.DER_cert_to_PEM_cert(der_of(found.ca))
            context = pinned(ca)
        except (Unreachable, Untrusted) as error:
            say(LOG, "the server's keys were not followed", logging.WARNING, reason=error.message)
            return None
        new = known.model_copy(update={
            "state_key": found.state_key, "link_key": found.link_key, "ca": ca, "serial": found.serial,
            "former": (*known.former, *found.left)[-MOST_FORMER:],
        })
        if new == known:
            return None
        try:
            replace_private(self._folder / TRUST_FILE, new.model_dump_json(indent=1).encode() + b"\n")
        except (GuruError, OSError) as error:
            say(LOG, "the server's new keys were not kept", logging.WARNING, reason=str(error))
            return None
        self._identity.trusted = new
        say(LOG, "the server's keys were followed", serial=new.serial)
        return server._replace(context=context)


def ask_trust(server: Server) -> Trust:
    """What the server says of itself: worth nothing until it is checked."""
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    line = Line(server._replace(context=unverified), most=MOST)
    try:
        answer = line.ask("GET", TRUST_PATH, timeout=TIMEOUT)
    finally:
        line.hang_up()
    if answer.status != 200:
        raise Unreachable(f"the server answered {answer.status} when asked for its keys")
    try:
        return Trust.model_validate_json(answer.body)
    except ValidationError as cause:
        raise Untrusted("the server's answer about its keys is not readable") from cause
