"""The disk of a device in another machine: with a sealed key it is nobody there."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from guru_agent.state.identity import KEY_FILES, load_identity
from guru_agent.state.keys import KeyFiles
from guru_agent.state.tpm import Tpm
from guru_policy.errors import GuruError
from tests.agent.conftest import enrolled
from tests.agent.link_server import Fleet
from tools.lab.tpm import SoftTpm
from tools.lab.world import BIN


@pytest.fixture
def stolen(tmp_path: Path) -> Iterator[tuple[Path, SoftTpm, SoftTpm]]:
    """A copy of a device's state folder, the TPM of its machine, and the TPM of another."""
    home = tmp_path / "state"
    fleet = Fleet(tmp_path)
    enrolled(home, fleet, "https://127.0.0.1:9")
    with SoftTpm() as mine, SoftTpm() as other:
        keys = KeyFiles(Tpm(mine.device), "tpm")
        identity = load_identity(home, keys.tpm)
        identity.renew(identity.make_rotating())
        for name in KEY_FILES:
            keys.seal(home / name)
        shutil.copytree(home, tmp_path / "copy")
        yield tmp_path / "copy", mine, other


def test_the_state_folder_copied_to_another_tpm_opens_nothing(stolen: tuple[Path, SoftTpm, SoftTpm]) -> None:
    copy, mine, other = stolen
    identity = load_identity(copy, Tpm(mine.device))
    assert identity.before is not None
    secrets = [key.private_bytes_raw() for key in (identity.key, identity.before)]
    everything = b"".join(path.read_bytes() for path in sorted(copy.rglob("*")) if path.is_file())
    with pytest.raises(GuruError, match="the TPM did not open the device key"):
        load_identity(copy, Tpm(other.device))
    for name in ("device.key", "device.key.before"):
        with pytest.raises(GuruError, match="the TPM did not open"):
            KeyFiles(Tpm(other.device)).load(copy / name)
    run = subprocess.run(
        [BIN / "guru-agent", "run", "--state", copy], env={**os.environ, "GURU_AGENT_TPM": other.device},
        capture_output=True, text=True, timeout=60, check=False,
    )

    assert run.returncode == 1
    assert "linked" not in run.stderr
    for secret in secrets:
        assert secret not in everything
        assert base64.b64encode(secret) not in everything
