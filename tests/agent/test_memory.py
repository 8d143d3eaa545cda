"""Memory that nobody uses goes back to the system."""

from __future__ import annotations

import gc
import weakref

from guru_agent.memory import give_back


class Node:
    def __init__(self) -> None:
        self.me = self


def test_what_only_holds_itself_is_let_go() -> None:
    gc.disable()
    try:
        gone = weakref.ref(Node())
        give_back()
    finally:
        gc.enable()

    assert gone() is None
