"""An identity provider that keeps people here, beside the one they sign in by: both are the same to Git."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from guru_server.audit.tables import audit
from guru_server.identity import people
from guru_server.store.schema import TENANT
from tests.server.rights.conftest import binding, role
from tests.server.sso.conftest import Office, ca_file, desk, issuer_folder, issuer_keys, provider

__all__ = ["ca_file", "desk", "issuer_folder", "issuer_keys"]

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
KEEPS = "  provisioning: {key: entra, claim: oid}\n"
ACCESS = {
    "org/keys.yaml": role("provisioner", "    people: {verbs: [user.provision]}\n"),
    "org/key.yaml": binding("entra", "key:entra", "provisioner", "org"),
    "org/other-key.yaml": binding("okta", "key:okta", "provisioner", "org"),
}


class Scim:
    """What the provider sends."""

    def __init__(self, desk: Office, key: str) -> None:
        self.desk, self.headers = desk, {"authorization": f"Bearer {key}"}

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.desk.http.request(
            method, f"https://guru.example/scim/v2{path}", json=body, headers={**self.headers, **sent})

    async def add(self, name: str, external: str = "", **more: Any) -> str:
        """The id of somebody new."""
        body = {"schemas": [USER], "userName": name, **({"externalId": external} if external else {}), **more}
        answer = await self("POST", "/Users", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def group(self, name: str, *members: str) -> str:
        """The id of a new group."""
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": one} for one in members]}
        answer = await self("POST", "/Groups", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def patch(self, path: str, *operations: dict[str, Any], **headers: str) -> httpx.Response:
        return await self("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    async def told(self, action: str) -> list[tuple[str, str, str]]:
        query = select(audit.c.actor, audit.c.object, audit.c.result).where(
            audit.c.tenant == TENANT, audit.c.action == action).order_by(audit.c.seq)
        rows = await self.desk.db.read(lambda connection: connection.execute(query).all())
        return [(row[0], row[1], row[2]) for row in rows]


async def key_of(desk: Office, name: str, kind: people.Kind = "key") -> str:
    return await desk.db.write(lambda connection: people.create(
        connection, TENANT, name, "", now=desk.idp.clock(), ttl=86_400, actor="test", kind=kind))


@pytest.fixture
async def scim(desk: Office) -> Scim:
    """The provider `corp` of Git with the API key that Git names."""
    await desk.push({**ACCESS, "org/provider.yaml": provider(desk.idp.url, more=KEEPS)})
    return Scim(desk, await key_of(desk, "entra"))
