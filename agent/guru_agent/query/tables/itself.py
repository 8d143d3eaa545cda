"""Rows of `agent` and `env`: the agent that asks this process for rows."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator

import psutil

from guru_agent.query.rows import Row, Wanted

_SECRET = re.compile(r"TOKEN|KEY|SECRET|PASS|CREDENTIAL|AUTH", re.IGNORECASE)


def agent(wanted: Wanted) -> Iterator[Row]:
    """One row: the parent of this process, which is the agent, or whoever ran `guru-agent query`."""
    from guru_wire.version import LANGUAGE, VERSION  # 100 ms of imports, for this table alone

    try:
        parent = psutil.Process(os.getppid())
        started, rss = round(parent.create_time()), parent.memory_info().rss
    except psutil.Error:
        started, rss = None, None
    yield {"version": VERSION, "language": LANGUAGE, "python": platform.python_version(), "pid": os.getppid(),
           "start_time": started, "resident_size": rss, "root": wanted.root}


def env(wanted: Wanted) -> Iterator[Row]:
    """Variables whose names do not sound like secrets."""
    try:
        found = psutil.Process(os.getppid()).environ()
    except psutil.Error:
        return
    for key, value in sorted(found.items()):
        if not _SECRET.search(key):
            yield {"key": key, "value": value}
