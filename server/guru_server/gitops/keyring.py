"""Public keys as git needs them to check signatures: a folder for the time of one check. It trusts nobody."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from guru_policy.commit_signing import is_pgp, ssh_fingerprint
from guru_policy.errors import DeadlinePassed, Unsupported

log = logging.getLogger("guru.gitops")

_GPG_SECONDS = 30.0
_PRIMARY = re.compile(r"^\[GNUPG:\] IMPORT_OK \d+ ([0-9A-F]{40,64})$", re.MULTILINE)
_GPG_CONF = "batch\nno-autostart\nno-auto-key-retrieve\nno-auto-key-import\ntrust-model always\nno-options\n"


@dataclass(frozen=True)
class Keyring:
    """What to hand to git; `fingerprints` has one for each key that can be used, as git will name it."""

    options: tuple[str, ...]
    environment: Mapping[str, str]
    fingerprints: Mapping[str, str]


@asynccontextmanager
async def keyring(below: Path, keys: Iterable[str]) -> AsyncIterator[Keyring]:
    """A Keyring of these keys in a new folder below `below`; it ends with the block.

    A key that gpg does not take is left out. Unsupported when gpg or ssh-keygen is not installed.
    """
    chosen = tuple(dict.fromkeys(keys))
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="keys-", dir=below))
    try:
        lines = "".join(f'guru namespaces="git" {key}\n' for key in chosen if not is_pgp(key))
        if lines and not shutil.which("ssh-keygen"):
            raise Unsupported("ssh-keygen is not installed on the server", hint="apt install openssh-client")
        (folder / "allowed_signers").write_text(lines)
        fingerprints = {key: ssh_fingerprint(key) for key in chosen if not is_pgp(key)}
        for key in chosen:
            if is_pgp(key):
                found = await _import(folder, key)
                fingerprints |= {key: found} if found else {}
        settings = {"gpg.ssh.allowedSignersFile": folder / "allowed_signers", "gpg.program": "gpg",
                    "gpg.ssh.program": "ssh-keygen", "gpg.minTrustLevel": "undefined"}
        options = tuple(word for key, value in settings.items() for word in ("-c", f"{key}={value}"))
        yield Keyring(options, {"GNUPGHOME": str(folder)}, fingerprints)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _import(folder: Path, key: str) -> str | None:
    """Put an OpenPGP key into the folder; the fingerprint of its primary key, None when there is not just one."""
    (folder / "gpg.conf").write_text(_GPG_CONF)
    try:
        process = await asyncio.create_subprocess_exec(
            "gpg", "--homedir", str(folder), "--batch", "--no-autostart", "--status-fd", "1", "--import",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(folder)},
        )
    except FileNotFoundError as cause:
        raise Unsupported("gpg is not installed on the server", hint="apt install gnupg") from cause
    try:
        async with asyncio.timeout(_GPG_SECONDS):
            said, _ = await process.communicate(key.encode())
    except TimeoutError as cause:
        process.kill()
        await process.wait()
        raise DeadlinePassed(f"gpg did not end within {_GPG_SECONDS:g} seconds") from cause
    found: set[str] = set(_PRIMARY.findall(said.decode(errors="replace")))
    if len(found) != 1:
        log.warning("a signer's OpenPGP key block is left out: it does not hold exactly one key that gpg takes")
        return None
    return found.pop()
