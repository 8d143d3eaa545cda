"""Passwords: Argon2id with the library's parameters (RFC 9106, low memory), never more than a few at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING

from guru_policy.errors import InputInvalid
from guru_server.identity.rates import TooMany

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST, MOST = 12, 256                   # characters
WAITING = 64                            # about two seconds of work
AT_ONCE = 2                             # each takes 64 MiB and about 50 ms of a processor
COMMON = frozenset({"password", "passwort", "123456789012", "qwertyuiop", "administrator", "letmein"})


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # 20 ms that a server needs only when somebody signs in

    return PasswordHasher()


def check_new(password: str, name: str) -> None:
    """InputInvalid for a password that is too short, too long, or easily guessed (NIST SP 800-63B, 3.1.1)."""
    if not LEAST <= len(password) <= MOST:
        raise InputInvalid(f"a password has {LEAST} to {MOST} characters", hint="a few words in a row are good")
    plain = password.casefold()
    parts = [part for part in (name.casefold(), *COMMON) if len(part) >= 3]
    if len(set(plain)) < 5 or any(part in plain and len(plain) - len(part) < 6 for part in parts):
        raise InputInvalid("this password is easily guessed", hint="a few words in a row are good")


def digest_of(password: str) -> str:
    """The PHC string; it takes a while, so never on the event loop."""
    return _hasher().hash(password)


def holds(digest: str, password: str) -> bool:
    """Whether it is the password. Without a digest it takes as long, and is not."""
    from argon2.exceptions import InvalidHashError, VerifyMismatchError

    try:
        return _hasher().verify(digest or _nobody(), password) and bool(digest)
    except (VerifyMismatchError, InvalidHashError):
        return False


def outdated(digest: str) -> bool:
    """Whether it was made with weaker parameters than today's."""
    return _hasher().check_needs_rehash(digest)


@cache
def _nobody() -> str:
    return _hasher().hash("nobody has this password")


class Mill:
    """Where passwords are checked: in threads, so many at once; some more wait their turn, the rest are sent away."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._room, self._most, self._waiting = asyncio.Semaphore(at_once), waiting, 0

    async def holds(self, digest: str, password: str) -> bool:
        """As `holds`; TooMany when too many wait."""
        async with self._turn():
            return await asyncio.to_thread(holds, digest, password[:MOST + 1])

    async def digest_of(self, password: str) -> str:
        """As `digest_of`; TooMany when too many wait."""
        async with self._turn():
            return await asyncio.to_thread(digest_of, password)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= self._most:
            raise TooMany("too many people sign in at once", hint="try again in a few seconds")
        self._waiting += 1
        try:
            async with self._room:
                yield
        finally:
            self._waiting -= 1
