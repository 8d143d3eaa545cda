"""The office of the rights' tests: a whole server with a repository, two customers and something of everything."""

from __future__ import annotations

from tests.server.rights.conftest import office, world

__all__ = ["office", "world"]
