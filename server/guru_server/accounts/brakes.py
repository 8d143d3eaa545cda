"""How often a password may be guessed, so that nobody guesses it and nobody is shut out by those who try.

Only failures count. A client whose key has signed in before has a bucket of its own, which strangers cannot empty.
"""

from __future__ import annotations

from guru_server.identity.rates import Rates


class Brakes:
    """One process's; the time is passed in, ms UTC."""

    def __init__(self) -> None:
        self._known = Rates(burst=10, rate=1 / 30)
        self._strangers = Rates(burst=5, rate=1 / 60)       # of one network, for one name
        self._names = Rates(burst=30, rate=1 / 20)          # of all strangers, for one name
        self._addresses = Rates(burst=40, rate=0.5)         # of one network, for all names
        self._invitations = Rates(burst=10, rate=1 / 20)    # of one network
        self._passkeys = Rates(burst=20, rate=1 / 20)       # of one network

    def check(self, name: str, client_key: str, address: str, now: int, *, known: bool) -> None:
        """Raise TooMany while there were too many failures."""
        for rates, bucket in self._of(name, client_key, address, known=known):
            rates.check(bucket, now)

    def failed(self, name: str, client_key: str, address: str, now: int, *, known: bool) -> None:
        """Count a failure; it raises nothing, for the answer is a refusal already."""
        for rates, bucket in self._of(name, client_key, address, known=known):
            rates.count(bucket, now)

    def _of(self, name: str, client_key: str, address: str, *, known: bool) -> tuple[tuple[Rates, str], ...]:
        if known:
            return ((self._known, f"{name} {client_key}"),)
        return (self._strangers, f"{name} {address}"), (self._names, name), (self._addresses, address)

    def check_invitation(self, address: str, now: int) -> None:
        """Raise TooMany while too many invitations of this network were none. They have 256 bits; nobody else waits."""
        self._invitations.check(address, now)

    def no_invitation(self, address: str, now: int) -> None:
        """Count one that was none."""
        self._invitations.count(address, now)

    def check_passkey(self, address: str, now: int) -> None:
        """Raise TooMany while too many answers of authenticators of this network were refused."""
        self._passkeys.check(address, now)

    def no_passkey(self, address: str, now: int) -> None:
        """Count one that was refused."""
        self._passkeys.count(address, now)
