"""Device keys that a TPM seals: a real TPM in software, and the agent's own programs."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from guru_agent.enrolment import enrol
from guru_agent.main import main
from guru_agent.state.files import read_private
from guru_agent.state.identity import KEY_BEFORE, KEY_FILE, ROTATING_KEY, load_identity
from guru_agent.state.keys import KeyFiles, choose, store_of
from guru_agent.state.tpm import Tpm
from guru_policy.errors import GuruError
from guru_wire.signing import public_bytes
from tests.agent.link_server import Fleet
from tests.agent.test_enrolment import Door
from tools.lab.tpm import SoftTpm
from tools.lab.world import BIN

NOWHERE = "swtpm:path=/nowhere"


@pytest.fixture(scope="module")
def chip() -> Iterator[SoftTpm]:
    with SoftTpm() as made:
        yield made


@pytest.fixture
def tpm(chip: SoftTpm) -> Tpm:
    return Tpm(chip.device)


@pytest.fixture
def door(fleet: Fleet) -> Iterator[Door]:
    door = Door(fleet)
    yield door
    door.http.stop()


def test_a_sealed_key_opens_by_its_tpm_and_lies_nowhere_open(chip: SoftTpm, tpm: Tpm, tmp_path: Path) -> None:
    made = KeyFiles(tpm, "tpm").make(tmp_path / KEY_FILE)
    raw, text = made.private_bytes_raw(), (tmp_path / KEY_FILE).read_bytes()
    opened = KeyFiles(Tpm(chip.device)).load(tmp_path / KEY_FILE)

    assert opened is not None
    assert opened.private_bytes_raw() == raw
    assert base64.b64encode(raw) not in text
    assert raw not in base64.b64decode(text.partition(b"\n")[2])
    assert (store_of(tmp_path / KEY_FILE), (tmp_path / KEY_FILE).stat().st_mode & 0o777) == ("tpm", 0o600)


def test_a_device_joins_with_a_sealed_key_and_says_so(door: Door, tpm: Tpm, tmp_path: Path) -> None:
    keys, lacking = choose("auto", tpm)
    enrol(door.token, tmp_path / "state", name="web-1", facts={}, proxy=None, force=False, keys=keys)

    assert (lacking, door.spent[0].facts) == ("", {"device_key": "tpm"})
    assert load_identity(tmp_path / "state", tpm).store == store_of(tmp_path / "state" / KEY_FILE) == "tpm"


def test_without_a_tpm_auto_takes_a_file_and_says_why_and_tpm_takes_nothing() -> None:
    keys, lacking = choose("auto", Tpm(NOWHERE))
    _, unasked = choose("file", Tpm(NOWHERE))
    with pytest.raises(GuruError, match="no TPM seals keys here") as refused:
        choose("tpm", Tpm(NOWHERE))

    assert (keys.store, "no TPM seals keys here: " in lacking, unasked) == ("file", True, "as it was asked for")
    assert "--keys file" in refused.value.hint
    assert "is not here" in choose("auto", Tpm(program="/nowhere/systemd-creds"))[1]


def test_a_key_of_a_failed_try_that_lay_open_is_not_taken_where_keys_are_sealed(tpm: Tpm, tmp_path: Path) -> None:
    open_one = KeyFiles().make(tmp_path / KEY_FILE)
    sealed = KeyFiles(tpm, "tpm").at_hand(tmp_path / KEY_FILE)
    again = KeyFiles(tpm, "tpm").at_hand(tmp_path / KEY_FILE)

    assert public_bytes(sealed) == public_bytes(again) != public_bytes(open_one)


def test_a_new_key_goes_where_the_old_one_is(state: Path, tpm: Tpm) -> None:
    KeyFiles(tpm, "tpm").seal(state / KEY_FILE)
    identity = load_identity(state, tpm)
    old, new = identity.key, identity.make_rotating()
    waiting = store_of(state / ROTATING_KEY)
    identity.renew(new)
    kept = load_identity(state, tpm)

    assert (waiting, store_of(state / KEY_FILE), store_of(state / KEY_BEFORE), kept.store) == ("tpm",) * 4
    assert public_bytes(kept.key) == public_bytes(new)
    assert kept.before is not None
    assert public_bytes(kept.before) == public_bytes(old)


def test_the_verb_seals_what_lay_open_and_the_device_stays_who_it_is(
    state: Path, chip: SoftTpm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GURU_AGENT_TPM", chip.device)
    before, waiting = load_identity(state), load_identity(state).make_rotating()
    codes = [main(["seal", "--state", str(state)]) for _ in range(2)]
    after = load_identity(state, Tpm(chip.device))
    said = capsys.readouterr()

    assert codes == [0, 0]
    assert "device.key, device.key.rotating" in said.out
    assert "sealed by this machine's TPM already" in said.out
    assert "rotate-key" in said.err
    assert (public_bytes(after.key), after.store) == (public_bytes(before.key), "tpm")
    assert after.rotating is not None
    assert public_bytes(after.rotating) == public_bytes(waiting)


def test_without_a_tpm_the_verb_changes_nothing(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GURU_AGENT_TPM", NOWHERE)
    before = read_private(state / KEY_FILE)

    assert main(["seal", "--state", str(state)]) == 1
    assert read_private(state / KEY_FILE) == before


def test_a_device_whose_tpm_is_gone_says_so_keeps_everything_and_comes_back_with_it(state: Path) -> None:
    with SoftTpm() as chip:
        KeyFiles(Tpm(chip.device), "tpm").seal(state / KEY_FILE)
        chip.stop()
        kept = {path.name: path.read_bytes() for path in state.iterdir() if path.is_file()}
        done = subprocess.run(
            [BIN / "guru-agent", "run", "--state", state], env={**os.environ, "GURU_AGENT_TPM": chip.device},
            capture_output=True, text=True, timeout=60, check=False,
        )
        stayed = {path.name: path.read_bytes() for path in state.iterdir() if path.name in kept}
        chip.start()

        assert done.returncode == 1
        assert "the TPM did not open the device key" in done.stderr
        assert "guru-agent enroll --force" in done.stderr
        assert "Traceback" not in done.stderr
        assert stayed == kept
        assert load_identity(state, Tpm(chip.device)).device
