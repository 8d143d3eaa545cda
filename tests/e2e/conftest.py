"""A whole world on loopback: a real remote, server, agents and command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.lab.office import office
from tools.lab.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A server that watches a remote with the small office, and a signed-in command line."""
    with office(tmp_path) as made:
        yield made
