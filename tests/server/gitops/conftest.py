"""A real remote in a temporary folder, and a mirror of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from guru_server.gitops.mirror import Mirror
from guru_server.gitops.source import Source
from tools.lab.remote import Remote


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    seed = tmp_path / "seed"
    seed.mkdir()
    (seed / "fleet.yaml").write_text("apiVersion: guru/v1\n")
    made = Remote(tmp_path / "remote")
    made.create(seed)
    return made


@pytest.fixture
def mirror(remote: Remote, tmp_path: Path) -> Mirror:
    return Mirror(tmp_path / "data", Source(remote.url))
