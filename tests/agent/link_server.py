"""The server's side of the link, small and real: TLS, signatures, marks, manifests, blobs, a free port."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import ipaddress
import secrets
import ssl
import time
from pathlib import Path

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from pydantic import BaseModel
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from guru_policy.bundle import AgentSettings, Bundle, PlacedCheck, PlacedResource, digest_of
from guru_wire import chunks, link
from guru_wire.link import (
    CHUNK,
    Challenge,
    Chunk,
    Current,
    Desired,
    Hello,
    Refused,
    Welcome,
    hello_bytes,
    welcome_bytes,
)
from guru_wire.manifest import Manifest, seal_manifest
from guru_wire.orders import (
    Authority,
    Cancelled,
    Command,
    Order,
    seal_authority,
    seal_cancel,
    seal_order,
    tree,
)
from guru_wire.sealing import sealing_public
from guru_wire.signing import Signed, public_bytes, sign, verify
from guru_wire.version import LANGUAGE


def now_ms() -> int:
    return int(time.time() * 1000)


class Certificates:
    """An authority and a server certificate for localhost, in a folder."""

    def __init__(self, folder: Path) -> None:
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        ca = _certificate(ca_name, ca_name, ca_key.public_key(), ca_key, authority=True)
        leaf = _certificate(name, ca_name, key.public_key(), ca_key, authority=False)
        self.ca = ca.public_bytes(serialization.Encoding.PEM).decode()
        self.ca_der = ca.public_bytes(serialization.Encoding.DER)
        chain, private = folder / "tls.crt", folder / "tls.key"
        chain.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain, private)


def _certificate(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey, *, authority: bool,
) -> x509.Certificate:
    today = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1)).not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(signer, hashes.SHA256())
    )


class Shelf:
    """Transfers by their ids, and what was asked of them; it answers so many questions, then no more."""

    def __init__(self) -> None:
        self.held: dict[str, list[bytes]] = {}
        self.asked: list[tuple[str, int]] = []
        self.answers = 1_000_000

    def put(self, transfer: str, content: bytes) -> None:
        """A whole transfer."""
        self.held[transfer] = [content[at : at + CHUNK] for at in range(0, len(content), CHUNK)]

    def numbers(self, transfer: str) -> list[int]:
        """The chunks that were asked about and answered, in order; -1 is the end."""
        return [number for name, number in self.asked if name == transfer]

    def answer(self, message: dict) -> chunks.Reply | None:
        """What is said to one question."""
        name, number = message["transfer"], message.get("number", -1)
        if self.answers <= 0:
            return None
        self.answers -= 1
        self.asked.append((name, number))
        here = self.held.get(name)
        if here is None or (message["t"] == "chunk.get" and number >= len(here)):
            return chunks.ChunkNo(transfer=name, reason="it is gone")
        if message["t"] == "chunk.get":
            text = base64.b64encode(here[number]).decode()
            return chunks.ChunkHere(transfer=name, number=number, data=text)
        if message["t"] == "chunk.put" and number == len(here):
            here.append(base64.b64decode(message["data"]))
        return chunks.ChunkGot(transfer=name, chunks=len(here), whole=message["t"] == "chunk.end")


class Fleet:
    """What a server knows of one device, whatever the carrier: keys, mark, items, manifest, blobs."""

    def __init__(self, folder: Path) -> None:
        self.certificates = Certificates(folder)
        self.state_key, self.link_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        self.device_key, self.command_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        self.device = secrets.token_hex(16)
        self.serial = 0
        self.manifest: Signed | None = None
        self.blobs: dict[str, bytes] = {}
        self.marks: dict[str, int] = {}
        self.items: list[dict] = []
        self.hellos: list[Hello] = []
        self.fetched: list[str] = []
        self.acknowledges = True
        self.revoked = self.rotate = False
        self.held = ""
        self.answers_rekey = self.adopts = True        # the latter: and knows the device by that key from then on
        self.public, self.sealing = b"", ""
        self.rekeyed: list[link.Rekey] = []
        self.shelf = Shelf()

    def bundle(
        self, *resources: PlacedResource, checks: tuple[PlacedCheck, ...] = (), **settings: int
    ) -> Bundle:
        return Bundle(
            language=LANGUAGE, agent=AgentSettings(**settings), resources=resources, checks=checks
        )

    def publish(self, bundle: Bundle, *blobs: bytes, **changes: object) -> Manifest:
        """Make this the device's desired state, signed; `changes` alter the manifest before it is signed."""
        data = bundle.to_bytes()
        self.serial += 1
        for blob in (data, *blobs):
            self.blobs[digest_of(blob)] = blob
        now = now_ms()
        manifest = Manifest(
            device=self.device, serial=self.serial, revision="a" * 40, bundle=digest_of(data),
            blobs=tuple(digest_of(blob) for blob in blobs), issued_at=now, expires_at=now + 3_600_000,
        ).model_copy(update=changes)
        self.manifest = seal_manifest(self.state_key, manifest)
        return manifest

    def order(self, command: Command, *others: str, job: str = "", device: str = "", **changes: int) -> link.Order:
        """A signed order for the device, and for others beside it; `changes` alter its times."""
        devices, now = [device or self.device, *others], now_ms()
        root, proofs = tree(devices, [secrets.token_hex(16) for _ in devices])
        times = {"issued_at": now, "expires_at": now + 60_000, **changes}
        order = Order(job=job or secrets.token_hex(16), root=root, command=command, **times)
        return link.Order(
            authority=self.authority(), order=seal_order(self.command_key, order), nonce=proofs[0].nonce,
            place=proofs[0].place, path=proofs[0].path,
        )

    def cancel(self, job: str) -> link.Cancel:
        """A signed cancellation."""
        cancelled = Cancelled(job=job, issued_at=now_ms())
        return link.Cancel(authority=self.authority(), cancel=seal_cancel(self.command_key, cancelled))

    def authority(self, **changes: int) -> Signed:
        """The state key's word for the command key."""
        now, key = now_ms(), base64.b64encode(public_bytes(self.command_key)).decode()
        times = {"issued_at": now - 1000, "expires_at": now + 3_600_000, **changes}
        return seal_authority(self.state_key, Authority(key=key, **times))

    def greet(self, nonce: str, hello: Hello) -> Welcome | Refused:
        """Check the hello and answer it; a key that is not the device's is refused."""
        public = self.public or public_bytes(self.device_key)
        if hello.sealing_key != (self.sealing or sealing_public(self.device_key)):
            return Refused(code="G0401", message="this device is not known here, or its key is another")
        verify(
            public, "hello",
            hello_bytes(device=hello.device, spool=hello.spool, server_nonce=nonce, agent_nonce=hello.nonce),
            base64.b64decode(hello.signature),
        )
        self.hellos.append(hello)
        if self.revoked:
            return Refused(code="G0401", message="this device was revoked", revoked=True)
        now, mark = now_ms(), self.marks.get(hello.spool, 0)
        signed = welcome_bytes(
            device=hello.device, server_nonce=nonce, agent_nonce=hello.nonce, now=now, serial=self.serial,
            mark=mark,
        )
        signature = base64.b64encode(sign(self.link_key, "welcome", signed)).decode()
        return Welcome(language=LANGUAGE, now=now, mark=mark, serial=self.serial, signature=signature,
                       held=self.held, rotate=self.rotate)

    def answer(self, spool: str, frame: bytes | str) -> str | None:
        """What the server says to one message after the handshake."""
        message = orjson.loads(frame)
        match message["t"]:
            case "batch":
                fresh = [item for item in message["items"] if item["seq"] > self.marks.get(spool, 0)]
                self.items += fresh
                last = message["items"][-1]["seq"]
                self.marks[spool] = max(self.marks.get(spool, 0), last)
                return orjson.dumps({"t": "ack", "seq": last}).decode() if self.acknowledges else None
            case "rekey":
                asked = link.Rekey.model_validate(message)
                old, new = public_bytes(self.device_key), base64.b64decode(asked.public_key)
                signed = link.rekey_bytes(
                    device=self.device, old=base64.b64encode(old).decode(), new=asked.public_key)
                verify(old, "rekey", signed, base64.b64decode(asked.proof))
                verify(new, "rekey", signed, base64.b64decode(asked.consent))
                self.rekeyed.append(asked)
                if self.answers_rekey and self.adopts:
                    self.public, self.sealing, self.rotate = new, asked.sealing_key, False
                return link.Rekeyed(public_key=asked.public_key).model_dump_json() if self.answers_rekey else None
            case "chunk.get" | "chunk.put" | "chunk.end":
                reply = self.shelf.answer(message)
                return None if reply is None else reply.model_dump_json()
            case "pull":
                return Desired(manifest=self.manifest).model_dump_json()
            case _:
                self.fetched.append(message["digest"])
                return self._chunk(message["digest"], message["offset"]).model_dump_json()

    def of(self, kind: str) -> list[dict]:
        """The bodies of items of this kind."""
        return [item["body"] for item in self.items if item["kind"] == kind]

    def _chunk(self, digest: str, offset: int) -> Chunk:
        blob = self.blobs.get(digest)
        if blob is None:
            return Chunk(digest=digest, offset=offset, total=-1, data="")
        piece = base64.b64encode(blob[offset : offset + CHUNK]).decode()
        return Chunk(digest=digest, offset=offset, total=len(blob), data=piece)


class LinkServer:
    """The fleet behind WebSockets."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.links: set[ServerConnection] = set()
        self.paths: list[str] = []      # that were dialled
        self._server: Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    async def start(self) -> None:
        """Listen; on the same port as before, when it listened before."""
        self._server = await serve(
            self._talk, "127.0.0.1", self.port, ssl=self.fleet.certificates.context, compression=None
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cut every link and listen no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def announce(self) -> None:
        """Tell every link the newest serial."""
        for one in list(self.links):
            await one.send(Current(serial=self.fleet.serial).model_dump_json())

    async def say(self, message: BaseModel) -> None:
        """Say it on every link."""
        for one in list(self.links):
            await one.send(message.model_dump_json())

    async def _talk(self, link: ServerConnection) -> None:
        self.paths.append(link.request.path if link.request else "")
        nonce = secrets.token_hex(32)
        try:
            await link.send(Challenge(language=LANGUAGE, nonce=nonce, now=now_ms()).model_dump_json())
            hello = Hello.model_validate_json(await link.recv())
            await link.send(self.fleet.greet(nonce, hello).model_dump_json())
            self.links.add(link)
            async for frame in link:
                answer = self.fleet.answer(hello.spool, frame)
                if answer is not None:
                    await link.send(answer)
        except ConnectionClosed:
            return
        finally:
            self.links.discard(link)


async def until(claim, limit: float = 20.0) -> None:
    """Return once `claim()` holds; TimeoutError when it does not within `limit` seconds."""
    async with asyncio.timeout(limit):
        while not claim():
            await asyncio.sleep(0.01)
