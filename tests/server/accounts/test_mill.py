"""Checking passwords is work that strangers can ask for: it is bounded, and says so."""

from __future__ import annotations

import asyncio

from guru_server.accounts.passwords import Mill, digest_of, holds
from guru_server.identity.rates import TooMany


async def test_so_many_wait_and_the_rest_are_sent_away() -> None:
    mill = Mill(at_once=1, waiting=2)
    done = await asyncio.gather(*(mill.holds("", "a guess") for _ in range(5)), return_exceptions=True)

    assert [one for one in done if one is False] == [False, False]
    assert sum(isinstance(one, TooMany) for one in done) == 3
    assert await mill.holds("", "a guess") is False         # and those after them are served


def test_a_password_is_kept_as_a_digest_that_only_it_opens() -> None:
    digest = digest_of("four words in a row")

    assert digest.startswith("$argon2id$")
    assert holds(digest, "four words in a row")
    assert not holds(digest, "five words in a row")
    assert not holds("", "nobody has this password")
