"""The world of tests/server/reconcile, with secrets that people encrypted and devices that open theirs."""

from __future__ import annotations

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pyrage import x25519
from sqlalchemy import select

from guru_policy.bundle import Bundle
from guru_server.gateway.devices import keep_sealing_key
from guru_server.reconcile.downlink import blob_of
from guru_server.secrets.tables import sealed
from guru_server.store.schema import TENANT
from guru_wire.operator import SyncRequested
from guru_wire.sealing import open_value, read_sealed, sealing_key, sealing_public
from tests.server.reconcile.conftest import Files, World, ident, policy
from tests.server.reconcile.conftest import world as world

ACME, BOLT = "acme/hq/web1", "bolt/hq/web1"


class Keeper:
    """Keeps secrets as a person does, and looks at what devices get, as they do."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.person = x25519.Identity.generate()
        self.server = x25519.Identity.from_str(world.age.get_secret_value()).to_public()
        self.keys = {name: Ed25519PrivateKey.generate() for name in (ACME, BOLT)}

    def secret(self, name: str, value: bytes, folder: str, *, server: bool = True) -> dict[str, str | bytes]:
        """The object and its file, encrypted anew."""
        keys = [self.person.to_public(), *([self.server] if server else [])]
        listed = ", ".join(f"r{number}: {key}" for number, key in enumerate(keys))
        path = f"{folder}/secrets/{name}.age"
        return {
            path: pyrage.encrypt(value, keys),
            f"{folder}/secret-{name}.yaml":
                f"apiVersion: guru/v1\nkind: Secret\nmetadata: {{name: {name}}}\nspec:\n  file: {path}\n"
                f"  recipients: {{{listed}}}\n",
        }

    async def meet(self, *names: str) -> None:
        """The devices say what to seal to, as a Hello would."""
        for name in names:
            key = sealing_public(self.keys[name])
            await self.world.db.write(lambda connection, name=name, key=key: keep_sealing_key(
                connection, TENANT, ident(name), key))

    async def push(self, message: str, files: Files) -> SyncRequested:
        return await self.world.push(message, files)

    async def got(self, name: str) -> dict[str, bytes] | None:
        """The values that the device opens; None when nothing came sealed."""
        manifest = await self.world.manifest(name)
        assert manifest is not None
        bundle = Bundle.model_validate_json(await self.blob(manifest.bundle))
        if not manifest.sealed:
            return None
        blob = read_sealed(await self.blob(manifest.sealed))
        assert sorted(blob.values) == sorted(bundle.secrets)
        private = sealing_key(self.keys[name])
        return {
            one: open_value(private, ident(name), one, fingerprint, blob) for one, fingerprint in bundle.secrets.items()
        }

    async def blob(self, digest: str) -> bytes:
        data = await self.world.db.read(lambda connection: blob_of(connection, TENANT, digest))
        assert data is not None
        return data

    async def serial(self, name: str) -> int:
        manifest = await self.world.manifest(name)
        return manifest.serial if manifest else 0

    async def stored(self) -> list[tuple[str, str]]:
        """Device and digest of every sealed blob that is kept."""
        query = select(sealed.c.device, sealed.c.digest).order_by(sealed.c.device, sealed.c.digest)
        return [tuple(row) for row in await self.world.db.read(lambda connection: connection.execute(query).all())]


def wants(name: str, path: str = "/etc/pw") -> str:
    """A policy with a file whose content is a secret."""
    resource = f"    {name}: {{kind: file, path: {path}, contentFrom: {{secretRef: {name}}}}}"
    return policy(f"wants-{name}", f"  resources:\n{resource}")


@pytest.fixture
async def keeper(world: World) -> Keeper:
    made = Keeper(world)
    await made.meet(ACME, BOLT)
    return made
