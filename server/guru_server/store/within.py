"""What a request wants written in the transaction of its first deed, whichever handler does it. It writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

from sqlalchemy import Connection

ResultT = TypeVar("ResultT")


class Within:
    """`first` runs at the start of the first transaction that is committed while this is in force."""

    def __init__(self, first: Callable[[Connection], None]) -> None:
        self._first = first
        self.done = False
        self.ended = False              # the request is over: what it left running is on its own

    def around(self, work: Callable[[Connection], ResultT]) -> Callable[[Connection], ResultT]:
        """The same work, after `first`, in one transaction."""
        if self.done or self.ended:
            return work

        def both(connection: Connection) -> ResultT:
            self._first(connection)
            return work(connection)

        return both

    def committed(self) -> None:
        """Tell that a transaction was."""
        self.done = self.done or not self.ended


WITHIN: ContextVar[Within | None] = ContextVar("guru_within", default=None)
