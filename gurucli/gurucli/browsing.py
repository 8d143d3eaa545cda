"""What is done in a browser for a command line: where it is sent, and the code that it comes back with."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import NamedTuple

from guru_policy.errors import Unsupported
from gurucli.answers_people import AttemptBegun
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.loopback import Listener

PATIENCE = 300.0                        # seconds; the server waits no longer either


class Brought(NamedTuple):
    """What the server takes: the attempt, the browser's code, and our secret."""

    attempt: str
    code: str
    verifier: str

    @property
    def body(self) -> dict[str, object]:
        """As the server reads it."""
        return dict(self._asdict())


def brought(cli: Cli, begin: Callable[[Mapping[str, object]], AttemptBegun], why: str) -> Brought:
    """What a browser brings once somebody was there; `begin` asks the server for the page. DeadlinePassed."""
    verifier = secrets.token_urlsafe(48)
    with Listener() as listener:
        begun = begin({"challenge": challenge_of(verifier), "state": listener.state, "port": listener.port})
        url = begun["url"]
        if not (url.startswith("https://") and url.isascii() and url.isprintable() and " " not in url):
            raise Unsupported("the server names a page that is none", hint="is that address a guru server?")
        cli.out.say(f"{why}: open this page on this machine\n  {url}\nand go on there if it shows the number "
                    f"{clean(begun['check'])}")
        if cli.environment.display:
            _open(url)
        return Brought(begun["id"], listener.wait(PATIENCE), verifier)


def _open(url: str) -> None:
    """Show the page; when no browser starts, the address that was printed is enough."""
    import webbrowser

    try:
        webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return


def challenge_of(verifier: str) -> str:
    """RFC 7636, 4.2: S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
