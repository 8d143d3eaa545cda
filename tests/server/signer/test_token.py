"""Keys in a real token (SoftHSM 2): made there, signing there, and not to be had from there."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from guru_policy.errors import GuruError
from guru_server.signer.asking import Signatures
from guru_server.signer.calling import Line
from guru_server.signer.child import Child
from guru_wire.audit_chain import Position, genuine
from guru_wire.orders import open_authority

LIBRARIES = (
    "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/lib/pkcs11/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so",
)
NOW = 1_700_000_000_000


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A token of this test's own, and how the signer is told of it."""
    module = next(path for path in LIBRARIES if Path(path).exists())
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    (tmp_path / "pin").write_text("123456\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "guru", "--pin", "123456", "--so-pin", "654321"],
        check=True, capture_output=True, timeout=60,
    )
    return [
        "--folder", str(tmp_path / "keys"), "--commands", "10", "--states", "10", "--module", module,
        "--token", "guru", "--pin-file", str(tmp_path / "pin"),
    ]


@pytest.fixture
def child(arguments: list[str]) -> Iterator[Child]:
    made = Child(arguments)
    made.start()
    try:
        made.ready()
        yield made
    finally:
        made.stop()


def test_the_token_signs_and_keeps_its_keys_over_a_restart(child: Child, tmp_path: Path) -> None:
    signer = Signatures(Line(tmp_path / "keys" / "signer.sock").ask)
    before = {name: signer.public(name) for name in ("state", "command", "audit")}  # type: ignore[arg-type]
    authority = open_authority(signer.authority("main", NOW), state_key=before["state"], now=NOW)
    mark = signer.checkpoint("main", Position(1, "f" * 64), NOW)
    child.stop()
    child.start()
    child.ready()
    after = Signatures(Line(tmp_path / "keys" / "signer.sock").ask)

    assert base64.b64decode(authority.key) == before["command"]
    assert genuine(mark, {base64.b64encode(before["audit"]).decode()})
    assert {name: after.public(name) for name in before} == before  # type: ignore[arg-type]
    assert not list((tmp_path / "keys").glob("*.key"))


def test_no_key_can_be_had_from_the_token(child: Child, arguments: list[str]) -> None:
    import pkcs11

    library = pkcs11.lib(arguments[arguments.index("--module") + 1])
    session = library.get_token(token_label="guru").open(user_pin="123456")
    found = list(session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}))
    session_values = []
    for key in found:
        with pytest.raises(pkcs11.exceptions.PKCS11Error):
            session_values.append(key[pkcs11.Attribute.VALUE])

    assert len(found) == 3
    assert all(key[pkcs11.Attribute.SENSITIVE] and not key[pkcs11.Attribute.EXTRACTABLE] for key in found)
    assert session_values == []


def test_another_pin_starts_no_signer(arguments: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pin").write_text("000000\n")
    child = Child(arguments)
    child.start()
    with pytest.raises(GuruError, match="did not start"):
        child.ready()

    assert "the token guru cannot be used: " in capfd.readouterr().err
