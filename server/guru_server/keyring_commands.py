"""What `guru-server keys` and `guru-server signer` do. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import base64
import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from guru_policy.errors import InputInvalid, Refused
from guru_server.clock import wall
from guru_server.keys import files, keys, opening, rotating
from guru_server.keys.ages import ages
from guru_server.settings import ServerSettings
from guru_server.signer.asking import Signatures
from guru_server.signer.calling import Line
from guru_server.signer.child import Child
from guru_wire.signing import public_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

SOCKET = "signer.sock"


def run_signer(settings: ServerSettings) -> None:
    """Become the signer's process: it needs nothing of what this one has loaded."""
    files.make_folder(settings.keys)
    finish(settings)
    argv = [sys.executable, "-m", "guru_server.signer.process", *arguments(settings)]
    if settings.signer.user:
        try:
            argv += ["--server-uid", str(pwd.getpwnam(settings.signer.user).pw_uid)]
        except KeyError as cause:
            raise InputInvalid(f"no user is called {settings.signer.user}", hint="look at signer.user") from cause
    os.execv(sys.executable, argv)         # noqa: S606 - an argv list of our own


def finish(settings: ServerSettings) -> None:
    """End a rotation that was killed half way."""
    rotating.finish(settings.keys, settings.passphrase)


def release(settings: ServerSettings, kind: str, devices: int, seconds: int, reason: str) -> None:
    """Let more devices pass the signer's brake."""
    made = signatures(settings).release(kind, devices, wall() + seconds * 1000, reason)
    say(f"{made['devices']:,} devices more may have {kind} signed for {seconds // 60} minutes: {made['reason']}")


def signer_status(settings: ServerSettings) -> None:
    """Print how far the brake is, tab-separated."""
    for kind, one in sorted(signatures(settings).hello()["brake"].items()):
        sys.stdout.write(f"{kind}\t{one['counted']}\t{one['allowed']}\n")


def list_keys(settings: ServerSettings) -> None:
    """Print every key of the folder, tab-separated: its name, its age in days, how it lies on the disk."""
    for name, days in ages(settings.keys, wall()):
        sealed = opening.is_sealed(files.read(settings.keys / f"{name}.key"))
        sys.stdout.write(f"{name}\t{days}\t{'sealed' if sealed else 'open'}\n")


def key_status(settings: ServerSettings) -> None:
    """The same, and in words what that means."""
    list_keys(settings)
    found = [opening.is_sealed(files.read(path)) for path in settings.keys.glob("*.key")]
    if not all(found):
        say("keys that are open can be read by whoever has this disk: docs/keys.md seals them")
    if settings.signer.socket is None:
        say("the signer runs as the server's own user: its brake binds only against mistakes, not against an intruder")


def seal(settings: ServerSettings) -> None:
    """Encrypt every key file of the folder."""
    passphrase = settings.passphrase
    if passphrase is None:
        raise InputInvalid(
            "there is no passphrase to seal keys with",
            hint="name its file in signer.passphrase_file, or load the credential guru-keys",
        )
    with rotating.nobody_runs(settings.data, settings.keys):
        changed = rotating.reseal(settings.keys, passphrase, passphrase)
    say(f"sealed: {', '.join(changed) or 'nothing, all were'}")


def unseal(settings: ServerSettings) -> None:
    """Write every key file of the folder in the clear."""
    with rotating.nobody_runs(settings.data, settings.keys):
        changed = rotating.reseal(settings.keys, settings.passphrase, None)
    say(f"unsealed: {', '.join(changed) or 'nothing, all were'}")


def rotate(settings: ServerSettings, name: str) -> None:
    """Replace a key by a new one."""
    if name in ("ca", "tls") and settings.authority != settings.keys:
        raise Refused(f"the {name} key is the server's, for all of its tenants", hint="leave --tenant out")
    if settings.signer.backend == "pkcs11" and f"{name}.key" in keys.SIGNERS:
        raise Refused(f"the {name} key is in a token, and is not replaced by this", hint="docs/keys.md")
    with rotating.nobody_runs(settings.data, settings.keys):
        told = rotating.rotate(settings.keys, name, settings.names, wall(), settings.passphrase)
    say(f"the {name} key is a new one: {told}")
    if name == "ca":
        say(f"  guru login {settings.public_url} --pin sha256:{keys.pin_of(settings.keys)}")


def vouch(settings: ServerSettings) -> None:
    """Have the state key name the link key and the authority that are here: as root, for a signer by itself."""
    link = public_bytes(opening.edwards(settings.keys / "link.key", settings.passphrase))
    ca = files.read(settings.authority / "ca.crt").decode()
    signatures(settings).word(base64.b64encode(link).decode(), ca)
    say("the state key vouches for this link key and authority")


def vouched(held: keys.ServerKeys) -> None:
    """See to it that the state key names the link key and authority that are here."""
    if held.vouched():
        return
    trust = held.trust
    try:
        held.signer.word(trust.link_key, trust.ca)
    except Refused:
        say("the state key does not vouch for this server's link key and authority: agents cannot follow a new one")
        say("hint: as root, guru-server keys vouch")


def arguments(settings: ServerSettings) -> Sequence[str]:
    """Those of the signer's process."""
    signer = settings.signer
    found = ["--folder", str(settings.keys), "--commands", str(signer.commands), "--states", str(signer.states)]
    found += ["--socket", str(socket_of(settings))]
    if signer.passphrase_file:
        found += ["--passphrase-file", str(signer.passphrase_file)]
    if signer.backend == "pkcs11":
        if signer.module is None or signer.pin_file is None:
            raise InputInvalid(
                "keys in a token need its library and its PIN", hint="set signer.module and signer.pin_file"
            )
        found += ["--module", str(signer.module), "--token", signer.token, "--pin-file", str(signer.pin_file)]
    return found


def socket_of(settings: ServerSettings) -> Path:
    """Where the signer listens: not among the keys, which people copy."""
    return settings.signer.socket or settings.data / SOCKET


def signatures(settings: ServerSettings) -> Signatures:
    """The signer that runs, asked for the tenant of these settings."""
    return Signatures(Line(socket_of(settings)).ask, settings.tenant)


@contextmanager
def started(settings: ServerSettings) -> Iterator[Child | None]:
    """The server's own signer while it runs, not yet ready; None when one runs by itself."""
    if settings.signer.socket is not None:
        yield None
        return
    child = Child(arguments(settings))
    child.start()
    try:
        yield child
    finally:
        child.stop()


def say(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"{text}\n")
