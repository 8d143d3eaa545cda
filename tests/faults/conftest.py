"""Worlds to break: the small office on SQLite or PostgreSQL, one for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.lab.office import office, settle
from tools.lab.world import AgentPlace, World


@pytest.fixture(scope="module", params=["sqlite"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server, a remote and a command line; a file that wants PostgreSQL asks for it by parameter."""
    cluster = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    url = cluster.fresh(empty=True) if cluster else None
    with office(tmp_path_factory.mktemp("faults"), database=url) as made:
        yield made
    if cluster:
        cluster.drop(url)


@pytest.fixture(scope="module")
def place(world: World) -> AgentPlace:
    """A real agent that is as the repository says."""
    return settle(world, "acme-pc01")
