"""What it costs that manifests are signed in another process: the way there and back, against signing right here."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_server.signer.asking import Signatures
from guru_server.signer.calling import Line
from guru_server.signer.child import Child
from guru_wire.manifest import MANIFEST_LIFE_MS, Manifest, seal_manifest
from tests.bench.figures import Figure
from tests.bench.measuring import memory
from tests.bench.sizes import Size


def run(size: Size) -> list[Figure]:
    """Manifests for the whole fleet, in another process and in this one."""
    made = [_manifest(at) for at in range(size.devices)]
    with TemporaryDirectory(prefix="guru-bench-") as folder:
        child = Child(["--folder", folder, "--commands", "1000000", "--states", "1000000"])
        child.start()
        try:
            child.ready()
            signer = Signatures(Line(Path(folder) / "signer.sock").ask)
            _signed(signer, made[:1])
            there = min(_signed(signer, made) for _ in range(3))
            found = memory(child.pid or 0)
        finally:
            child.stop()
    key = Ed25519PrivateKey.generate()
    began = time.perf_counter()
    for one in made:
        seal_manifest(key, one, "k").model_dump_json()
    here = time.perf_counter() - began
    return [
        Figure(f"{size.devices:,} manifests signed by the signer", there, "s"),
        Figure("the same, against signing in the server's process", there / here, "times"),
        Figure("signer, resident", found.resident, "MB"),
        Figure("signer, of that its own", found.proportional, "MB"),
    ]


def _signed(signer: Signatures, manifests: list[Manifest]) -> float:
    began = time.perf_counter()
    with signer.manifests("main") as sending:
        for one in manifests:
            sending.add(one)
        assert len(sending.signed()) == len(manifests)
    return time.perf_counter() - began


def _manifest(at: int) -> Manifest:
    now = time.time_ns() // 1_000_000
    return Manifest(
        device=f"{at:032x}", serial=1, revision="0" * 40, bundle=f"{at:064x}", issued_at=now,
        expires_at=now + MANIFEST_LIFE_MS,
    )
