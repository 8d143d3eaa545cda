"""What the server asks of its signer, by purpose. The server has none of these private keys, only their public halves.

Every call blocks until the answer is there: call it in a thread. Raises Braked when the brake holds it, SignerAway when
no signer answers, and Refused for what it does not sign.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Any, Literal

from guru_policy.errors import Conflict, GuruError, InputInvalid, Refused, Unreachable
from guru_server.signer.brake import Braked
from guru_server.store.first import TENANT
from guru_wire.audit_chain import Checkpoint, Position
from guru_wire.manifest import Manifest
from guru_wire.orders import Command, Proof
from guru_wire.purposes import order_text, tree
from guru_wire.signing import Signed, key_id

Name = Literal["state", "command", "audit"]
Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]
AT_ONCE = 500                           # manifests of one message
_ERRORS: Mapping[str, type[GuruError]] = {"Braked": Braked, "Refused": Refused, "InputInvalid": InputInvalid}


class SignerAway(Unreachable):
    """No signer answers. Nothing new is signed until it does; everything else goes on."""


class Signatures:
    """One tenant's signer, asked. `ask` carries one message there and its answer back."""

    def __init__(self, ask: Ask, tenant: str = TENANT) -> None:
        self._carry, self._tenant = ask, tenant
        self._known: dict[str, Mapping[str, Any]] = {}
        self._lock = Lock()

    def hello(self, tenant: str = "") -> Mapping[str, Any]:
        """Public halves, trust and brake as they stand now."""
        return self.ask({"op": "hello", "tenant": tenant or self._tenant})

    def public(self, name: Name, tenant: str = "") -> bytes:
        """The public half, as it was when this was first asked."""
        tenant = tenant or self._tenant
        with self._lock:
            if tenant not in self._known:
                self._known[tenant] = self.hello(tenant)
            return base64.b64decode(self._known[tenant]["keys"][name])

    def id_of(self, name: Name, tenant: str = "") -> str:
        """key_id() of the public half."""
        return key_id(self.public(name, tenant))

    def trust(self, tenant: str = "") -> Mapping[str, Any]:
        """How the state key came about and what it names, as keys.chain keeps it."""
        self.public("state", tenant)
        told: Mapping[str, Any] = self._known[tenant or self._tenant]["trust"]
        return told

    @contextmanager
    def manifests(self, tenant: str) -> Iterator[Manifests]:
        """Signs manifests while the caller makes more of them."""
        with ThreadPoolExecutor(1, thread_name_prefix="signer") as pool:
            yield Manifests(self, tenant, pool)

    def sign_manifests(self, tenant: str, payloads: Sequence[str]) -> list[str]:
        """The signatures, base64."""
        answer = self.ask({"op": "manifests", "tenant": tenant, "payloads": list(payloads)})
        return self._expected(answer, "state", tenant)["signatures"]  # type: ignore[no-any-return]

    def orders(
        self, tenant: str, job: str, command: Command, groups: Sequence[Sequence[str]], nonces: Sequence[Sequence[str]],
        *, issued_at: int, expires_at: int,
    ) -> list[tuple[Signed, list[Proof]]]:
        """An order for each group of devices, and a proof for each device: of all groups, or of none."""
        text = command.model_dump_json()
        answer = self.ask({
            "op": "orders", "tenant": tenant, "job": job, "command": text, "issued_at": issued_at,
            "expires_at": expires_at,
            "groups": [[list(one), list(two)] for one, two in zip(groups, nonces, strict=True)],
        })
        signatures, key = self._expected(answer, "command", tenant)["signatures"], self.id_of("command", tenant)
        found = []
        for devices, mine, signature in zip(groups, nonces, signatures, strict=True):
            root, proofs = tree(devices, mine)
            payload = order_text(job, root, issued_at, expires_at, text)
            found.append((Signed(payload=payload, signature=signature, key=key), proofs))
        return found

    def cancel(self, tenant: str, job: str, now: int) -> Signed:
        """A cancellation."""
        return Signed(**self.ask({"op": "cancel", "tenant": tenant, "job": job, "issued_at": now}))

    def authority(self, tenant: str, now: int) -> Signed:
        """The state key's word that the command key signs orders, from now for AUTHORITY_LIFE_MS."""
        return Signed(**self.ask({"op": "authority", "tenant": tenant, "issued_at": now}))

    def checkpoint(self, tenant: str, at: Position, now: int) -> Checkpoint:
        """A checkpoint of the audit log at this position."""
        return Checkpoint(**self.ask(
            {"op": "checkpoint", "tenant": tenant, "seq": at.seq, "hash": at.hash, "at": now}
        ))

    def word(self, link_key: str, ca: str, tenant: str = "") -> Signed:
        """The state key's newest word on link key and authority. Refused unless a second person asks."""
        tenant = tenant or self._tenant
        made = Signed(**self.ask({"op": "word", "tenant": tenant, "link_key": link_key, "ca": ca}))
        with self._lock:
            self._known.pop(tenant, None)
        return made

    def release(self, kind: str, devices: int, until: int, reason: str) -> Mapping[str, Any]:
        """Let more devices pass the brake; Refused unless a second person asks."""
        return self.ask({"op": "release", "kind": kind, "devices": devices, "until": until, "reason": reason})

    def ask(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """One message and its answer."""
        answer = self._carry(message)
        if "error" in answer:
            kind = _ERRORS.get(str(answer["error"]), GuruError)
            raise kind(str(answer.get("message", ""))[:500], hint=str(answer.get("hint", ""))[:500])
        return answer

    def _expected(self, answer: Mapping[str, Any], name: Name, tenant: str) -> Mapping[str, Any]:
        if answer.get("key") != self.id_of(name, tenant):
            raise Conflict(f"the signer's {name} key is another than when this server started", hint="restart it")
        return answer


class Manifests:
    """Manifests on their way to the signer and back, some hundred in a message."""

    def __init__(self, signatures: Signatures, tenant: str, pool: ThreadPoolExecutor) -> None:
        self._signatures, self._tenant, self._pool = signatures, tenant, pool
        self._key = signatures.id_of("state", tenant)
        self._waiting: list[str] = []
        self._sent: list[tuple[list[str], Future[list[str]]]] = []

    def add(self, manifest: Manifest) -> None:
        """Hand one over."""
        self._waiting.append(manifest.model_dump_json())
        if len(self._waiting) >= AT_ONCE:
            self._send()

    def signed(self) -> list[str]:
        """Every one of them as it is sent, JSON, in the order in which they were handed over."""
        self._send()
        return [
            Signed(payload=payload, signature=signature, key=self._key).model_dump_json()
            for payloads, answer in self._sent
            for payload, signature in zip(payloads, answer.result(), strict=True)
        ]

    def _send(self) -> None:
        if self._waiting:
            some, self._waiting = self._waiting, []
            self._sent.append((some, self._pool.submit(self._signatures.sign_manifests, self._tenant, some)))
