"""Joining: the pins decide whom to believe, the secret goes to nobody else, and a failure leaves only the key."""

from __future__ import annotations

import base64
import hashlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_agent.enrolment import enrol
from guru_agent.state.identity import load_identity
from guru_policy.errors import Conflict, GuruError, NotSignedIn, Unreachable, Untrusted
from guru_wire.enrolment import EnrolmentRequest, EnrolmentToken, enrol_bytes
from guru_wire.signing import public_bytes, verify
from tests.agent.link_server import Certificates, Fleet
from tests.agent.poll_server import PollServer

SECRET = "not-a-real-secret"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Door:
    """A server that lets one device in, and the token for it."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.http = PollServer(fleet)
        self.state = public_bytes(fleet.state_key)
        self.token = EnrolmentToken(
            url=self.http.url, ca=hashlib.sha256(fleet.certificates.ca_der).hexdigest(),
            root=hashlib.sha256(self.state).hexdigest(), id="t1", secret=SECRET,
        )
        self.offers(fleet.certificates.ca, self.state)
        self.answers(200, {
            "device": fleet.device, "name": "web-1", "customer": "acme", "site": "hq",
            "state_key": b64(self.state), "link_key": b64(public_bytes(fleet.link_key)),
        })

    def offers(self, ca: str, state: bytes) -> None:
        """What GET /trust says."""
        link = b64(public_bytes(self.fleet.link_key))
        trust = {"ca": ca, "state_key": b64(state), "link_key": link}
        self.http.answers["/api/v1/trust"] = (200, orjson.dumps(trust))

    def answers(self, status: int, body: dict) -> None:
        """What POST /enrol says."""
        self.http.answers["/api/v1/enrol"] = (status, orjson.dumps(body))

    @property
    def spent(self) -> list[EnrolmentRequest]:
        """The requests that reached POST /enrol."""
        found = [body for path, body in self.http.requests if path == "/api/v1/enrol"]
        return [EnrolmentRequest.model_validate_json(body) for body in found]

    def join(self, folder: Path, *, force: bool = False) -> None:
        enrol(self.token, folder, name="web-1", facts={"os": "linux"}, proxy=None, force=force)


@pytest.fixture
def door(fleet: Fleet) -> Iterator[Door]:
    door = Door(fleet)
    yield door
    door.http.stop()


def test_a_device_joins_with_a_key_of_its_own(door: Door, tmp_path: Path) -> None:
    door.join(tmp_path / "state")
    identity = load_identity(tmp_path / "state")
    ask = door.spent[0]

    verify(
        public_bytes(identity.key), "enrol",
        enrol_bytes(token_id="t1", public_key=ask.public_key, name="web-1"), base64.b64decode(ask.proof),
    )
    assert identity.device == door.fleet.device
    assert (tmp_path / "state/device.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "state/trust.json").stat().st_mode & 0o777 == 0o600


def test_a_server_with_another_authority_never_sees_the_secret(door: Door, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    door.offers(Certificates(other).ca, door.state)

    with pytest.raises(Untrusted, match="authority"):
        door.join(tmp_path / "state")
    assert door.spent == []


def test_a_server_that_only_repeats_the_right_authority_fails_at_tls(door: Door, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    real = door.fleet.certificates
    door.http.stop()
    door.fleet.certificates = Certificates(other)
    door.http = PollServer(door.fleet)
    door.token = door.token.model_copy(update={"url": door.http.url})
    door.offers(real.ca, door.state)

    with pytest.raises(Unreachable, match="certificate"):
        door.join(tmp_path / "state")
    assert door.spent == []


def test_a_second_certificate_slipped_in_is_refused(door: Door, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    door.offers(door.fleet.certificates.ca + Certificates(other).ca, door.state)

    with pytest.raises(Untrusted):
        door.join(tmp_path / "state")
    assert door.spent == []


def test_another_state_key_is_refused(door: Door, tmp_path: Path) -> None:
    door.offers(door.fleet.certificates.ca, public_bytes(Ed25519PrivateKey.generate()))

    with pytest.raises(Untrusted, match="state key"):
        door.join(tmp_path / "state")
    assert door.spent == []


def test_a_refused_try_leaves_only_the_key_and_the_next_one_uses_it(door: Door, tmp_path: Path) -> None:
    good = door.http.answers["/api/v1/enrol"]
    door.answers(401, {"title": "no", "detail": "the token was used up", "code": "G0401", "status": 401})
    with pytest.raises(NotSignedIn, match="used up"):
        door.join(tmp_path / "state")
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["device.key"]

    door.http.answers["/api/v1/enrol"] = good
    door.join(tmp_path / "state")

    assert door.spent[0].public_key == door.spent[1].public_key
    assert b64(public_bytes(load_identity(tmp_path / "state").key)) == door.spent[0].public_key


def test_a_device_that_is_enrolled_stays_so_unless_forced(door: Door, tmp_path: Path) -> None:
    door.join(tmp_path / "state")
    with pytest.raises(Conflict) as refused:
        door.join(tmp_path / "state")
    before = public_bytes(load_identity(tmp_path / "state").key)
    door.join(tmp_path / "state", force=True)

    assert "--force" in refused.value.hint
    assert public_bytes(load_identity(tmp_path / "state").key) != before


def test_a_forced_try_that_fails_keeps_the_old_identity(door: Door, tmp_path: Path) -> None:
    door.join(tmp_path / "state")
    before = load_identity(tmp_path / "state")
    door.answers(500, {"title": "oops"})
    with pytest.raises(GuruError):
        door.join(tmp_path / "state", force=True)

    after = load_identity(tmp_path / "state")
    assert after.trusted == before.trusted
    assert public_bytes(after.key) == public_bytes(before.key)


def test_an_endless_answer_is_cut(door: Door, tmp_path: Path) -> None:
    door.http.answers["/api/v1/trust"] = (200, b"x" * 1_000_000)

    with pytest.raises(Unreachable, match="too much"):
        door.join(tmp_path / "state")


KILLED = """
import json, os, pathlib, signal, sys
from guru_agent.enrolment import enrol
from guru_wire.enrolment import EnrolmentToken

moment = int(sys.argv[3])

def at(event, args):
    global moment
    if event == "os.rename":
        moment -= 1
        if moment < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(at)
token = EnrolmentToken.model_validate_json(sys.argv[1])
enrol(token, pathlib.Path(sys.argv[2]), name="web-1", facts={}, proxy=None, force=True)
"""


@pytest.mark.fault
@pytest.mark.parametrize("moment", [0, 1, 2])
def test_an_enrolment_that_is_killed_leaves_the_old_identity_or_the_new(
    door: Door, tmp_path: Path, moment: int
) -> None:
    door.join(tmp_path / "state")
    token = door.token.model_dump_json()
    done = subprocess.run([sys.executable, "-c", KILLED, token, tmp_path / "state", str(moment)], timeout=60)

    identity = load_identity(tmp_path / "state")

    assert done.returncode == (-signal.SIGKILL if moment < 2 else 0)
    enrolled = door.spent[0 if moment == 0 else 1].public_key
    assert b64(public_bytes(identity.key)) == enrolled
    assert load_identity(tmp_path / "state").trusted == identity.trusted
    assert (tmp_path / "state/device.key.next").exists() == (moment == 0)
