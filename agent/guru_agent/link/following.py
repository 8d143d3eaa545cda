"""Follows the server's keys when they changed: of what it says of itself, believes what the pinned key leads to.

The answer comes over a connection that TLS does not verify, since the authority may be what changed. Nothing
secret is said there, and whoever answers can only withhold: every step is signed, from the pinned key on.
"""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from pydantic import ValidationError

from guru_agent.link.carrier import Server
from guru_agent.logs import say
from guru_agent.state.files import replace_private
from guru_agent.state.identity import TRUST_FILE, Identity
from guru_agent.tls import der_of, pinned
from guru_policy.errors import GuruError, Untrusted
from guru_wire.enrolment import Trust
from guru_wire.trusting import follow

LOG = logging.getLogger(__name__)
MOST_FORMER = 8                         # state keys of before that open what is kept on disk


class Follower:
    """Keeps what this device trusts up to date, in memory and on disk."""

    def __init__(self, identity: Identity, folder: Path) -> None:
        self._identity, self._folder = identity, folder

    @property
    def serial(self) -> int:
        """Of the newest word of trust that was believed; 0: that of the enrolment."""
        return self._identity.trusted.serial

    def follow(self, server: Server, answer: bytes) -> Server | None:
        """The server as it is to be dialled from now on; None when nothing new of its answer is to be believed."""
        known = self._identity.trusted
        try:
            trust = _read(answer)
            if trust.word is None:
                return None
            found = follow(known.state_key, known.serial, trust.chain, trust.word)
            ca = ssl.DER_cert_to_PEM_cert(der_of(found.ca))
            context = pinned(ca)
        except Untrusted as error:
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
        return server._replace(context=context, ca=ca)


def _read(answer: bytes) -> Trust:
    try:
        return Trust.model_validate_json(answer)
    except ValidationError as cause:
        raise Untrusted("the server's answer about its keys is not readable") from cause
