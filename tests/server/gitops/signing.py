"""Makers of signed commits with real keys of ssh-keygen and gpg. Everything stays in one folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tools.lab.remote import Remote


class SshKey(NamedTuple):
    """A key of ssh-keygen."""

    file: Path
    public: str

    @property
    def options(self) -> tuple[str, ...]:
        """What makes git sign with it."""
        return ("-c", "gpg.format=ssh", "-c", f"user.signingkey={self.file}", "-c", "commit.gpgsign=true")


class PgpKey(NamedTuple):
    """A key of gpg, in a home of its own."""

    home: Path
    fingerprint: str
    public: str

    @property
    def options(self) -> tuple[str, ...]:
        """What makes git sign with it."""
        program = self.home / "gpg"
        program.write_text(f'#!/bin/sh\nexec gpg --homedir {self.home} --batch "$@"\n')
        program.chmod(0o700)
        return ("-c", f"gpg.program={program}", "-c", f"user.signingkey={self.fingerprint}",
                "-c", "commit.gpgsign=true")


def ssh_key(folder: Path, name: str, kind: str = "ed25519") -> SshKey:
    """A new key pair."""
    file = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", file], check=True)
    return SshKey(file, " ".join((folder / f"{name}.pub").read_text().split()[:2]))


def pgp_key(folder: Path, name: str) -> PgpKey:
    """A new key pair without a passphrase."""
    home = folder / name
    home.mkdir(mode=0o700)

    def gpg(*arguments: str) -> str:
        env = {**os.environ, "GNUPGHOME": str(home)}
        done = subprocess.run(["gpg", "--batch", "--quiet", *arguments], env=env, check=True,
                              capture_output=True, text=True, timeout=60)
        return done.stdout

    gpg("--passphrase", "", "--quick-generate-key", f"{name}@msp.example", "ed25519", "sign", "never")
    listing = gpg("--with-colons", "--list-keys")
    fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))
    return PgpKey(home, fingerprint, gpg("--armor", "--export", fingerprint))


def signed_push(
    remote: Remote, key: SshKey | PgpKey | None, files: Mapping[str, str | None], message: str = "Change"
) -> str:
    """Commit with this key's signature, none without a key, and push; the commit."""
    remote.write(files)
    remote.git("add", "--all")
    remote.git(*(key.options if key else ()), "commit", "--quiet", "--allow-empty", "--message", message)
    remote.git("push", "--quiet", "--force", "origin", f"HEAD:{remote.branch}")
    return remote.head()


def fleet_yaml(mode: str, **signers: tuple[SshKey | PgpKey, tuple[str, ...]]) -> str:
    """A Fleet object that asks for signatures."""
    lines = ["apiVersion: guru/v1", "kind: Fleet", "metadata: {name: fleet}", "spec:", "  signing:",
             f"    mode: {mode}", "    signers:"]
    for name, (key, paths) in signers.items():
        lines += [f"      {name}:", f"        paths: [{', '.join(f'{path!r}' for path in paths)}]", "        keys:"]
        lines += ["          - |", *(f"            {line}" for line in key.public.splitlines())]
    return "\n".join(lines) + "\n"
