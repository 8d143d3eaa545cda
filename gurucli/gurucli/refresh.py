"""Fills the cache of names, in the background of a TAB. It says nothing and asks nothing."""

from __future__ import annotations

import sys
from itertools import islice

from guru_policy.errors import GuruError
from gurucli.client import Client
from gurucli.contexts import choose, store_of
from gurucli.environment import read_environment
from gurucli.names import Names
from gurucli.signed import Signed

TIMEOUT = 10.0
MOST = 100_000                          # names


def refresh() -> int:
    """Ask the server in use for all devices; 0 when the cache is fresh, 1 when that did not work."""
    environment = read_environment()
    try:
        context = choose(environment, "")
        signed = Signed(store_of(environment, context)) if context.session else None
        with Client(context.url, context.token, ca=context.ca, timeout=TIMEOUT, signed=signed) as server:
            rows = list(islice(server.devices(), MOST))
    except GuruError:
        return 1
    names = Names(environment.cache)
    names.replace(context.url, "device", (row["name"] for row in rows))
    names.replace(context.url, "customer", (row["customer"] for row in rows))
    return 0


if __name__ == "__main__":
    sys.exit(refresh())
