"""How this device joins: check the server by the token's pins, make a key, spend the token.

Nothing secret is said before the server's authority is checked, and a try that failed leaves nothing behind
but the key, which the next try uses.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
from pathlib import Path
from typing import NamedTuple, TypeVar

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ValidationError

from guru_agent.host.facts import KEY_FACT
from guru_agent.link.carrier import Server, address, base_of
from guru_agent.link.requests import Answer, Line
from guru_agent.logs import plain
from guru_agent.state.files import make_folder
from guru_agent.state.identity import (
    FRESH_KEY,
    KEY_BEFORE,
    KEY_FILE,
    ROTATING_KEY,
    TRUST_FILE,
    Trusted,
    load_identity,
    raw_key,
    write_trusted,
)
from guru_agent.state.keys import KeyFiles
from guru_agent.tls import der_of, pinned
from guru_policy import errors
from guru_policy.errors import Conflict, GuruError, InputInvalid, Untrusted
from guru_policy.inventory import Scalar
from guru_wire.enrolment import EnrolmentAnswer, EnrolmentRequest, EnrolmentToken, Trust, enrol_bytes
from guru_wire.sealing import sealing_proof, sealing_public
from guru_wire.signing import key_id, public_bytes, sign
from guru_wire.version import LANGUAGE, VERSION

TRUST_PATH, ENROL_PATH = "/api/v1/trust", "/api/v1/enrol"
TIMEOUT = 20.0                          # seconds of one request
MOST = 64 << 10                         # bytes of one answer
ModelT = TypeVar("ModelT", bound=BaseModel)


class Joined(NamedTuple):
    """Who this device is now; one that is not approved waits until somebody lets it in."""

    trusted: Trusted
    approved: bool


class _Said(NamedTuple):
    """What the device says of itself when it joins."""

    name: str
    facts: dict[str, Scalar]
    hardware: str


def enrol(
    token: EnrolmentToken, folder: Path, *, name: str, facts: dict[str, Scalar], proxy: str | None,
    force: bool, hardware: str = "", keys: KeyFiles | None = None,
) -> Joined:
    """Join, and write the identity into the state folder; the key goes where `keys` puts it.

    Conflict when there is an identity already and not `force`; Untrusted when the server is not the one that
    the token pins; Unreachable; what else the server says, in its own words.
    """
    if (folder / TRUST_FILE).exists() and not force:
        raise Conflict(
            f"this device is enrolled already, in {folder}",
            hint="to enrol it anew, with a new key, add --force",
        )
    host, port = address(token.url)
    trust = _fetch_trust(token, host, port, proxy)
    make_folder(folder)
    fresh = folder / (FRESH_KEY if (folder / TRUST_FILE).exists() else KEY_FILE)
    keys = keys or KeyFiles()
    key = keys.at_hand(fresh)
    server = Server(host, port, pinned(trust.ca), proxy, base=base_of(token.url))
    answer = _spend(token, server, key, _Said(name, facts | {KEY_FACT: keys.store}, hardware))
    if not _is_pinned(raw_key(answer.state_key), token.root):
        raise Untrusted("the server's state key is not the one that the token pins")
    trusted = Trusted(
        device=answer.device, name=answer.name, customer=answer.customer, site=answer.site, url=token.url,
        ca=trust.ca, state_key=answer.state_key, link_key=base64.b64encode(raw_key(answer.link_key)).decode(),
        key=key_id(public_bytes(key)),
    )
    write_trusted(folder, trusted)
    for stale in (ROTATING_KEY, KEY_BEFORE):    # of the identity before
        (folder / stale).unlink(missing_ok=True)
    load_identity(folder, keys.tpm)     # it moves a fresh key to its place
    return Joined(trusted, answer.approved)


def _fetch_trust(token: EnrolmentToken, host: str, port: int, proxy: str | None) -> Trust:
    """What the server says of itself, held against the pins. This one connection is not verified by TLS."""
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    line = Line(Server(host, port, unverified, proxy, base=base_of(token.url)), most=MOST)
    try:
        trust = _read(Trust, line.ask("GET", TRUST_PATH, timeout=TIMEOUT))
    finally:
        line.hang_up()
    hint = "the token is of another server, or somebody sits in between; ask for a new token"
    der = der_of(trust.ca)
    if not _is_pinned(der, token.ca):
        raise Untrusted(f"{host}:{port} is not the server of this token: its authority is another", hint=hint)
    if not _is_pinned(raw_key(trust.state_key), token.root):
        raise Untrusted(f"{host}:{port} is not the server of this token: its state key is another", hint=hint)
    # Written anew from what was checked: what else stood in the text is believed by nobody.
    return trust.model_copy(update={"ca": ssl.DER_cert_to_PEM_cert(der)})


def _spend(token: EnrolmentToken, server: Server, key: Ed25519PrivateKey, said: _Said) -> EnrolmentAnswer:
    public = base64.b64encode(public_bytes(key)).decode()
    proof = sign(key, "enrol", enrol_bytes(token_id=token.id, public_key=public, name=said.name))
    try:
        request = EnrolmentRequest(
            language=LANGUAGE, token_id=token.id, token_secret=token.secret, public_key=public, name=said.name,
            facts=said.facts, hardware=said.hardware, agent_version=VERSION, proof=base64.b64encode(proof).decode(),
            sealing_key=sealing_public(key), sealing_proof=sealing_proof(key),
        )
    except ValidationError as cause:
        raise InputInvalid("a device name has 1 to 63 characters", hint="give another with --name") from cause
    line = Line(server, most=MOST)
    try:
        return _read(
            EnrolmentAnswer, line.ask("POST", ENROL_PATH, request.model_dump_json().encode(), timeout=TIMEOUT)
        )
    finally:
        line.hang_up()


def _read(model: type[ModelT], answer: Answer) -> ModelT:
    if answer.status >= 300:
        raise _told(answer)
    try:
        return model.model_validate_json(answer.body)
    except ValidationError as cause:
        raise GuruError("the server's answer is not readable", hint="is that a GuruRMM server?") from cause


def _told(answer: Answer) -> GuruError:
    """The server's error (application/problem+json) as the error of ours with the same code."""
    try:
        problem = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        problem = None
    if not isinstance(problem, dict):
        return GuruError(f"the server answered {answer.status}")
    known = {kind.code: kind for kind in (
        errors.NotSignedIn, errors.NotFound, errors.Refused, errors.Untrusted, errors.Conflict,
        errors.InputInvalid, errors.Unsupported,
    )}
    message = str(problem.get("detail") or problem.get("title") or f"the server answered {answer.status}")
    hint = str(problem.get("hint") or "")
    kind_of = known.get(str(problem.get("code")), GuruError)
    return kind_of(plain(message, 500), hint=plain(hint, 500))


def _is_pinned(data: bytes, pin: str) -> bool:
    return hmac.compare_digest(hashlib.sha256(data).hexdigest(), pin.lower())
