"""A person's own client: a key, the tokens of a session, and requests that prove both."""

from __future__ import annotations

import secrets
from typing import Any

import httpx
import pyotp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_server.accounts import accounts
from guru_server.store.schema import TENANT
from guru_wire.proofs import prove
from tests.server.conftest import Api

WORDS = "four words in a row"


class Person:
    """Somebody at a machine; another `key` is another machine."""

    def __init__(self, api: Api, name: str) -> None:
        self.api, self.name = api, name
        self.key = Ed25519PrivateKey.generate()
        self.tokens: dict[str, Any] = {}
        self.totp = ""

    async def join(self, role: str = "", password: str = WORDS) -> None:
        """Accept an invitation, as made on the server's machine."""
        code = await self.api.db.write(lambda connection: accounts.invite(
            connection, TENANT, self.name, role, now=self.api.clock(), actor="server"))
        answer = await self.api.http.post("/account/invitation", json={"invitation": code, "password": password})
        assert answer.status_code == 200, answer.text

    async def sign_in(self, password: str = WORDS, code: str = "") -> httpx.Response:
        body = {"user": self.name, "password": password, "code": code, "client": "guru on a test"}
        answer = await self.ask("POST", "/sign-in", json=body, token="")
        if answer.status_code == 201:
            self.tokens = answer.json()
        return answer

    async def refresh(self, token: str | None = None) -> httpx.Response:
        answer = await self.ask("POST", "/sign-in/refresh", json={"refresh": token or self.tokens["refresh"]}, token="")
        if answer.status_code == 200:
            self.tokens = answer.json()
        return answer

    async def ask(
        self, method: str, path: str, *, token: str | None = None, proof: str | None = None, **more: Any
    ) -> httpx.Response:
        held = self.tokens.get("access", "") if token is None else token
        made = proof if proof is not None else self.proof(method, path.partition("?")[0], held)
        headers = {"DPoP": made, "authorization": f"Bearer {held}" if held else ""}
        return await self.api.http.request(method, path, headers=headers, **more)

    def proof(self, method: str, path: str, token: str) -> str:
        return prove(self.key, method, f"/api/v1{path}", now=self.api.clock(), number=secrets.token_urlsafe(16),
                     token=token)

    async def set_up(self) -> list[str]:
        """Set a second factor up; the recovery codes."""
        begun = (await self.ask("POST", "/account/totp")).json()
        self.totp = begun["secret"]
        answer = await self.ask("POST", "/account/totp/confirmation", json={"code": self.code()})
        assert answer.status_code == 200, answer.text
        codes: list[str] = answer.json()["codes"]
        return codes

    def code(self) -> str:
        return pyotp.TOTP(self.totp).at(self.api.clock() // 1000)


@pytest.fixture
async def ada(api: Api) -> Person:
    """Somebody with a password and an admin's fixed role."""
    person = Person(api, "ada")
    await person.join("admin")
    return person
