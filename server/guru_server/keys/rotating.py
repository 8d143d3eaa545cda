"""Replaces a key by a new one, and keeps what others need to believe it. Only while nothing runs with these keys."""

from __future__ import annotations

import base64
import fcntl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_policy.errors import InputInvalid, Refused
from guru_server.keys import certificates, files, keys, opening
from guru_server.keys.chain import Chain
from guru_wire.signing import key_id, public_bytes, seal
from guru_wire.trusting import Succession

NEXT = "state.next"
_NAMES = ("state", "command", "link", "audit", "ca", "tls", "session", "age")       # account.key seals what stays


def rotate(folder: Path, name: str, names: Sequence[str], now: int, passphrase: bytes | None) -> str:
    """Replace the key, and say what that means. `names` are those of the TLS certificate.

    NotFound when the key is not in this folder, InputInvalid for a name that no key has.
    """
    if name not in _NAMES:
        raise InputInvalid(f"no key is called {name[:32]}", hint=f"one of {', '.join(_NAMES)}")
    finish(folder, passphrase)
    files.read(folder / f"{name}.key")
    match name:
        case "state":
            _state(folder, now, passphrase)
            return "agents follow by themselves at their next link; make new enrolment tokens"
        case "command":
            _replace(folder, name, passphrase)
            return "the state key vouches for it; orders that wait for devices are signed again at the start"
        case "audit":
            _audit(folder, passphrase)
            return "the chain goes on, and checkpoints of before hold by the key before"
        case "link":
            _replace(folder, name, passphrase)
            return "agents follow by themselves at their next link; gateways need a copy"
        case "ca":
            _authority(folder, names, now, passphrase)
            return "agents follow by themselves; people sign in anew with the new pin; make new enrolment tokens"
        case "session":
            _replace(folder, name, passphrase)
            return "nobody has to do anything: sessions go on with fresh tokens"
        case "tls":
            _replace(folder, name, passphrase)
            keys.renew(folder, names, now, passphrase)
            return "nobody has to do anything; gateways need a copy"
        case _:
            _age(folder, passphrase)
            return "secrets for the one before open still: guru secrets recipients add, then guru secrets rotate"


def finish(folder: Path, passphrase: bytes | None) -> None:
    """Take the next state key into use when the one before vouched for it already: after a rotation that was killed."""
    path = folder / NEXT
    if not path.exists():
        return
    public = base64.b64encode(public_bytes(opening.edwards(path, passphrase))).decode()
    chain = Chain(folder).told()["chain"]
    if chain and Succession.model_validate_json(chain[-1]["payload"]).key == public:
        path.replace(folder / "state.key")
    else:
        path.unlink()


@contextmanager
def nobody_runs(data: Path, folder: Path) -> Iterator[None]:
    """Refused while a server or a signer works with these keys."""
    with ExitStack() as open_files:
        for path in (data / "server.lock", folder / "signer.lock"):
            lock = open_files.enter_context(path.open("ab"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as cause:
                raise Refused(
                    f"a server or a signer works with the keys in {folder}",
                    hint="stop it, change the key, start it: agents go on meanwhile, and come back by themselves",
                ) from cause
        yield


def reseal(folder: Path, before: bytes | None, passphrase: bytes | None) -> list[str]:
    """Write every key file anew, sealed under `passphrase` or open; the names of those that changed."""
    changed = []
    for path in sorted(folder.glob("*.key")):
        if opening.is_sealed(files.read(path)) == (passphrase is not None):
            continue
        at = path.stat()
        if path.name == "age.key":
            data = keys.sealed_age(keys.load_age(folder, before).get_secret_value().encode() + b"\n", passphrase)
        else:
            data = opening.written(opening.private(path, before), passphrase)
        files.replace(path, data, modified=(at.st_atime_ns, at.st_mtime_ns))
        changed.append(path.name)
    return changed


def _state(folder: Path, now: int, passphrase: bytes | None) -> None:
    """First the next key is on disk, then the word for it, then it takes the place of the old one."""
    chain, old = Chain(folder), opening.edwards(folder / "state.key", passphrase)
    made = Ed25519PrivateKey.generate()
    files.replace(folder / NEXT, opening.written(made, passphrase))
    told = chain.told()
    step = Succession(
        key=base64.b64encode(public_bytes(made)).decode(), serial=len(told["chain"]) + 1, issued_at=now
    )
    signed = seal(old, "succession", step.model_dump_json(), key_id(public_bytes(old)))
    chain.write({**told, "chain": [*told["chain"], signed.model_dump()]})
    (folder / NEXT).replace(folder / "state.key")


def _audit(folder: Path, passphrase: bytes | None) -> None:
    chain, old = Chain(folder), opening.edwards(folder / "audit.key", passphrase)
    told, public = chain.told(), base64.b64encode(public_bytes(old)).decode()
    chain.write({**told, "audit": [*(one for one in told["audit"] if one != public), public]})
    _replace(folder, "audit", passphrase)


def _authority(folder: Path, names: Sequence[str], now: int, passphrase: bytes | None) -> None:
    made = certificates.fresh_key()
    files.replace(folder / "ca.key", opening.written(made, passphrase))
    files.replace(folder / "ca.crt", certificates.pem(certificates.make_ca(made, now)))
    keys.renew(folder, names, now, passphrase)


def _age(folder: Path, passphrase: bytes | None) -> None:
    before = keys.load_age(folder, passphrase).get_secret_value().splitlines()
    lines = [keys.fresh("age.key", None).decode().strip(), *before][: keys.MOST_AGE]
    files.replace(folder / "age.key", keys.sealed_age(("\n".join(lines) + "\n").encode(), passphrase))


def _replace(folder: Path, name: str, passphrase: bytes | None) -> None:
    files.replace(folder / f"{name}.key", keys.fresh(f"{name}.key", passphrase))
