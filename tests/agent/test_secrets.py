"""Secrets on the agent: opened for this device alone, kept sealed, and told to nobody."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_agent.converge.loop import Converger, Machine
from guru_agent.executor import Executor
from guru_agent.host import open_host
from guru_policy.bundle import Bundle, PlacedResource, digest_of
from guru_policy.errors import CannotLook
from guru_wire.manifest import Manifest, seal_manifest
from guru_wire.sealing import check_sealing_key, seal_values, sealing_public
from guru_wire.signing import public_bytes
from guru_wire.uplink import Change, Report, ResourceOutcome
from tests.agent.conftest import Parts
from tests.agent.link_server import Fleet, LinkServer, now_ms, until

VALUE, NEW = b"correct horse battery staple\n", b"another value of it\n"
PW = PlacedResource(id="pw", kind="file", spec={"path": "/etc/pw", "contentFrom": {"secretRef": "pw"}})


def publish(
    fleet: Fleet, value: bytes, fingerprint: str, *, key: Ed25519PrivateKey | None = None, device: str = "",
    said: str = "",
) -> None:
    """A state with one secret; sealed for another key, device or fingerprint when asked to."""
    bundle: Bundle = fleet.bundle(PW).model_copy(update={"secrets": {"pw": fingerprint}})
    sealed = seal_values(
        sealing_public(key or fleet.device_key), device or fleet.device, {"pw": (said or fingerprint, value)}
    ).to_bytes()
    data = bundle.to_bytes()
    fleet.blobs |= {digest_of(data): data, digest_of(sealed): sealed}
    fleet.serial += 1
    fleet.manifest = seal_manifest(fleet.state_key, Manifest(
        device=fleet.device, serial=fleet.serial, revision="a" * 40, bundle=digest_of(data),
        issued_at=now_ms(), expires_at=now_ms() + 600_000, sealed=digest_of(sealed),
    ))


def everything(folder: Path) -> bytes:
    """All bytes of all files below a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


async def test_a_hello_says_a_sealing_key_that_the_device_key_signed(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    async with parts.linked():
        await until(lambda: bool(fleet.hellos))

    hello = fleet.hellos[0]
    check_sealing_key(hello.sealing_key, hello.sealing_proof, public_bytes(fleet.device_key))


async def test_a_secret_comes_with_the_state_and_stays_sealed_on_disk(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    publish(fleet, VALUE, "f1")
    async with parts.linked():
        await until(lambda: parts.desired.serial == 1)

    assert parts.desired.secret("pw") == VALUE
    assert Parts(parts.folder).desired.secret("pw") == VALUE
    assert VALUE.strip() not in everything(parts.folder)


@pytest.mark.parametrize("wrong", [
    {"key": Ed25519PrivateKey.generate()}, {"device": "0" * 32}, {"said": "f0"},
])
async def test_a_secret_that_does_not_open_here_is_refused_and_reported_and_the_last_state_stays(
    wrong: dict, parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    publish(fleet, VALUE, "f1")
    async with parts.linked():
        await until(lambda: parts.desired.serial == 1)
        publish(fleet, NEW, "f2", **wrong)
        await server.announce()
        await until(lambda: any(item["kind"] == "refusal" for item in fleet.items))

    refusal = next(item["body"] for item in fleet.items if item["kind"] == "refusal")
    assert refusal["code"] == "G0495"
    assert "does not open" in refusal["message"]
    assert parts.desired.serial == 1
    assert parts.desired.secret("pw") == VALUE


async def test_lost_ciphertext_is_fetched_again(parts: Parts, fleet: Fleet, server: LinkServer) -> None:
    publish(fleet, VALUE, "f1")
    async with parts.linked():
        await until(lambda: parts.desired.serial == 1)
        manifest = parts.desired.current.manifest
        parts.blobs.path(manifest.sealed).write_bytes(b"torn")
    again = Parts(parts.folder)

    assert again.desired.current is None
    async with again.linked():
        await until(lambda: again.desired.serial == 1)
    assert again.desired.secret("pw") == VALUE


class Box:
    """A sandbox that converges to whatever state is in force."""

    def __init__(self, parts: Parts, root: Path) -> None:
        root.mkdir()
        self.parts, self.root = parts, root
        self.host = open_host(root, parts.desired.secret)
        doer = Executor(root, parts.folder / "backups", parts.blobs.read)
        self.converger = Converger(
            parts.store, parts.spool, parts.desired, Machine(self.host, doer), parts.clock, lambda: None
        )

    async def once(self) -> Report:
        current = self.parts.desired.current
        assert current is not None
        return await self.converger.once(current, "manifest")


async def test_a_new_value_is_an_intentional_change_and_leaves_no_trace_but_the_file(
    parts: Parts, fleet: Fleet, server: LinkServer, tmp_path: Path
) -> None:
    box = Box(parts, tmp_path / "root")
    async with parts.linked():
        publish(fleet, VALUE, "f1")
        await server.announce()
        await until(lambda: parts.desired.serial == 1)
        await box.once()
        publish(fleet, NEW, "f2")
        await server.announce()
        await until(lambda: parts.desired.serial == 2)
        report = await box.once()

    assert (box.root / "etc/pw").read_bytes() == NEW
    assert (box.root / "etc/pw").stat().st_mode & 0o777 == 0o600
    assert (report.resources[0].outcome, report.resources[0].change) == (ResourceOutcome.changed, Change.intentional)
    for value in (VALUE, NEW):
        assert value.strip() not in everything(parts.folder)
        assert value.strip() not in repr(fleet.items).encode()


async def test_what_did_not_come_sealed_is_a_file_of_the_machine_and_what_did_wins(
    parts: Parts, fleet: Fleet, server: LinkServer, tmp_path: Path
) -> None:
    box = Box(parts, tmp_path / "root")
    own = box.root / "etc/guru/secrets"
    own.mkdir(parents=True)
    for name in ("pw", "local"):
        (own / name).write_bytes(b"of this machine")
        (own / name).chmod(0o600)
    assert await box.host.secret("pw") == b"of this machine"
    publish(fleet, VALUE, "f1")
    async with parts.linked():
        await until(lambda: parts.desired.serial == 1)

    assert await box.host.secret("pw") == VALUE
    assert await box.host.secret("local") == b"of this machine"
    (own / "local").chmod(0o644)
    with pytest.raises(CannotLook):
        await box.host.secret("local")
