"""The server's age public key, asked of the server. It knows no other way to it."""

from __future__ import annotations

from gurucli.answers import ServerRecipient
from gurucli.cli import Cli


def server_recipient(cli: Cli) -> str:
    """`age1...`; NotSignedIn without a server, and what else the client raises."""
    return cli.server.get(ServerRecipient, "/secrets/recipient")["recipient"]


def server_recipient_or_none(cli: Cli) -> str | None:
    """The same; None, with a note, when no server is chosen. A server that does not answer is an error."""
    from guru_policy.errors import NotSignedIn

    try:
        return server_recipient(cli)
    except NotSignedIn as cause:
        cli.out.note(f"not looked at: whether the server can open them, since {cause.message}")
        return None
