"""What people's programs and the server say of secrets. Frozen models, no logic, and never a secret."""

from __future__ import annotations

from guru_wire.operator import Answer


class ServerRecipient(Answer):
    """The server's age public key: Secrets that devices need are encrypted for it, too."""

    recipient: str
