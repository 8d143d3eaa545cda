"""Whose work a line of the log is about: said once where work begins, and put before the line. It decides nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from guru_server.store.first import TENANT

_NAME: ContextVar[str] = ContextVar("guru_tenant", default="")


@contextmanager
def work_of(name: str) -> Iterator[None]:
    """What is begun within, tasks and threads too, is this tenant's in the log."""
    before = _NAME.set(name)
    try:
        yield
    finally:
        _NAME.reset(before)


class Named(logging.Filter):
    """Puts the tenant before what a line says, unless it is the first one."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every line passes."""
        name = _NAME.get()
        record.tenant = name or TENANT
        if name:
            record.msg, record.args = f"[{name}] {record.getMessage()}", ()
        return True
