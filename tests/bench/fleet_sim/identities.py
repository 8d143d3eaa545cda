"""Who the simulated devices are: enrolled once with a real token, kept in a file (0600), used again later."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import random
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_policy.errors import Refused, Unreachable, Untrusted
from guru_wire.enrolment import EnrolmentAnswer, EnrolmentRequest, EnrolmentToken, Trust, enrol_bytes
from guru_wire.signing import public_bytes, sign
from guru_wire.version import LANGUAGE, VERSION
from tests.bench.fleet_sim.machine import facts_of

AT_ONCE = 16                            # enrolments under way
PATIENCE = 900.0                        # seconds: servers slow down enrolments from one address
FILE = "identities.json"


class Server(NamedTuple):
    """Where the server is and what it is known by. `ca` is PEM."""

    url: str
    ca: str
    state_key: bytes
    link_key: bytes


class Identity(NamedTuple):
    """One simulated device. `key` is base64 of its 32 private bytes."""

    name: str
    device: str
    key: str

    def private(self) -> Ed25519PrivateKey:
        """The device key."""
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(self.key))


async def learn(token: EnrolmentToken, url: str | None) -> Server:
    """The server's keys, checked against the token's pins; Untrusted when they are others."""
    address = (url or token.url).rstrip("/")
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE      # the pins decide, below
    async with httpx.AsyncClient(verify=blind, timeout=30, trust_env=False) as client:
        try:
            answer = await client.get(f"{address}/api/v1/trust")
            answer.raise_for_status()
        except httpx.HTTPError as cause:
            raise Unreachable(f"{address} does not answer: {cause}") from cause
    trust = Trust.model_validate_json(answer.content)
    state_key = base64.b64decode(trust.state_key)
    ca = hashlib.sha256(ssl.PEM_cert_to_DER_cert(trust.ca)).hexdigest()
    if (ca, hashlib.sha256(state_key).hexdigest()) != (token.ca, token.root):
        raise Untrusted(f"{address} is not the server that made this token")
    return Server(address, trust.ca, state_key, base64.b64decode(trust.link_key))


async def enrol(server: Server, token: EnrolmentToken, names: Sequence[str], folder: Path) -> list[Identity]:
    """An identity for every name: those in the folder's file, and new ones for the rest."""
    path = folder / FILE
    known = {row["name"]: Identity(**row) for row in json.loads(path.read_text())} if path.exists() else {}
    missing = [name for name in names if name not in known]
    places = asyncio.Semaphore(AT_ONCE)
    context = ssl.create_default_context(cadata=server.ca)
    async with httpx.AsyncClient(verify=context, timeout=60, trust_env=False) as client:

        async def one(name: str) -> None:
            async with places:
                known[name] = await _enrol_one(client, server, token, name)

        try:
            async with asyncio.TaskGroup() as group:
                for name in missing:
                    group.create_task(one(name))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            _keep(path, list(known.values()))
    return [known[name] for name in names]


async def _enrol_one(client: httpx.AsyncClient, server: Server, token: EnrolmentToken, name: str) -> Identity:
    key = Ed25519PrivateKey.generate()
    public = base64.b64encode(public_bytes(key)).decode()
    proof = sign(key, "enrol", enrol_bytes(token_id=token.id, public_key=public, name=name))
    request = EnrolmentRequest(
        language=LANGUAGE, token_id=token.id, token_secret=token.secret, public_key=public, name=name,
        facts=facts_of(name), agent_version=VERSION, proof=base64.b64encode(proof).decode(),
    )
    answer = await _post(client, f"{server.url}/api/v1/enrol", request.model_dump_json())
    if not answer.is_success:
        raise Refused(f"{name} was not enrolled: {answer.status_code} {answer.text[:300]}")
    device = EnrolmentAnswer.model_validate_json(answer.content).device
    return Identity(name, device, base64.b64encode(key.private_bytes_raw()).decode())


async def _post(client: httpx.AsyncClient, url: str, body: str) -> httpx.Response:
    """The answer; waits and asks again while the server says that these are too many at once."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            answer = await client.post(url, content=body, headers={"content-type": "application/json"})
        except httpx.HTTPError as cause:
            raise Unreachable(f"{url} does not answer: {cause}") from cause
        if answer.status_code != 429 or time.monotonic() > deadline:
            return answer
        await asyncio.sleep(random.uniform(0.5, 3.0))


def _keep(path: Path, identities: Sequence[Identity]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as sink:
        json.dump([identity._asdict() for identity in identities], sink)
    fresh.replace(path)
