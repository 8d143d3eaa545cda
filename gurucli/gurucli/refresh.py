"""Fills the cache of names, in the background of a TAB. It says nothing and asks nothing."""

from __future__ import annotations

import sys
from itertools import islice
from typing import cast

from guru_policy.errors import GuruError
from gurucli.answers import Page
from gurucli.answers_jobs import JobRow
from gurucli.client import Client
from gurucli.contexts import choose, store_of
from gurucli.environment import read_environment
from gurucli.job_lists import short_ids
from gurucli.names import Names
from gurucli.signed import Signed

TIMEOUT = 10.0
MOST = 100_000                          # names
JOBS = 50                               # the newest, as `guru job list` shows them


def refresh() -> int:
    """Ask the server in use for all devices and the newest jobs; 0 when the cache is fresh, else 1."""
    environment = read_environment()
    try:
        context = choose(environment, "")
        signed = Signed(store_of(environment, context)) if context.session else None
        with Client(context.url, context.token, ca=context.ca, timeout=TIMEOUT, signed=signed) as server:
            names = Names(environment.cache)
            rows = list(islice(server.devices(), MOST))
            names.replace(context.url, "device", (row["name"] for row in rows))
            names.replace(context.url, "customer", (row["customer"] for row in rows))
            jobs = cast("Page[JobRow]", server.get(Page, "/jobs", limit=JOBS))
            names.replace(context.url, "job", short_ids(jobs["items"]))
    except GuruError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(refresh())
