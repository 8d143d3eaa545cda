"""The signer as a process of its own: who is heard on its socket, and what ends it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from guru_server.signer import frames
from guru_server.signer.asking import Signatures, SignerAway
from guru_server.signer.calling import Line
from guru_server.signer.child import Child

SERVER, STRANGER = 60_001, 60_002


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users may look into."""
    made = Path(tempfile.mkdtemp(prefix="guru-signer-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def asked_as(uid: int, path: Path) -> list[str]:
    """What another user of this machine hears: a fork, since that user may not be able to start this Python."""
    line = socket.socket(socket.AF_UNIX)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                     # of threads: the child does nothing but this
        reading, writing = os.pipe()
        pid = os.fork()
    if pid == 0:
        try:
            os.setuid(uid)
            os.write(writing, json.dumps(_asked(line, str(path))).encode())
        finally:
            os._exit(0)
    os.close(writing)
    line.close()
    with open(reading, "rb") as pipe:  # noqa: PTH123 - a descriptor
        said: list[str] = json.loads(pipe.read())
    os.waitpid(pid, 0)
    return said


def _asked(line: socket.socket, path: str) -> list[str]:
    heard = []
    try:
        line.connect(path)
        for op in ("hello", "release"):
            told = {"op": op, "tenant": "main", "kind": "states", "devices": 1, "until": 0, "reason": "x"}
            frames.send(line, told)
            answer = frames.receive(line)
            heard.append("nothing" if answer is None else str(answer.get("message", "answered")))
    except frames.Cut:
        heard.append("cut off")
    return heard


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may ask as other users")
def test_the_server_s_user_is_heard_and_releases_nothing_and_strangers_are_not_heard(folder: Path) -> None:
    child = Child([
        "--folder", str(folder / "keys"), "--commands", "5", "--states", "5", "--server-uid", str(SERVER),
        "--socket", str(folder / "signer.sock"),
    ])
    child.start()
    try:
        child.ready()
        server, stranger = asked_as(SERVER, folder / "signer.sock"), asked_as(STRANGER, folder / "signer.sock")
    finally:
        child.stop()

    assert server == ["answered", "the server may not release the brake itself"]
    assert "answered" not in stranger


def test_a_signer_whose_server_is_gone_ends_and_another_takes_its_place(folder: Path) -> None:
    arguments = ["--folder", str(folder / "keys"), "--commands", "5", "--states", "5"]
    first, second = Child(arguments), Child(arguments)
    first.start()
    first.ready()
    process = first._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(30) == 0
    with pytest.raises(SignerAway):
        Signatures(Line(folder / "keys" / "signer.sock").ask).hello()
    second.start()
    try:
        second.ready()
        answer = Signatures(Line(folder / "keys" / "signer.sock").ask).hello()
    finally:
        second.stop()

    assert set(answer["keys"]) == {"state", "command", "audit"}


def test_a_lost_key_beside_others_is_not_made_anew(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    child = Child(["--folder", str(folder / "keys"), "--commands", "5", "--states", "5"])
    child.start()
    child.ready()
    child.stop()
    (folder / "keys" / "state.key").unlink()
    child.start()
    with pytest.raises(Exception, match="did not start"):
        child.ready()

    assert "state.key is missing" in capfd.readouterr().err


def test_the_signer_loads_neither_a_framework_nor_models() -> None:
    program = "import sys, guru_server.signer.process; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert not {"pydantic", "sqlalchemy", "fastapi", "asyncio", "ssl", "yaml"} & set(done.stdout.split())
