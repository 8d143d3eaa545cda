"""Where the fleet repository is and how to sign in there; it never opens anything or shows a secret."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from guru_policy.errors import InputInvalid

_SCP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[A-Za-z0-9~/][^:\x00-\x20]*")
_BRANCH = re.compile(r"(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)|/\.))[A-Za-z0-9_][A-Za-z0-9._/+@#-]{0,199}(?<![./])")
_SCHEMES = ("https", "ssh", "file")


@dataclass(frozen=True, slots=True)
class Source:
    """A Git remote and one of its branches. Secrets stay in the files that are named here."""

    url: str
    branch: str = "main"
    ssh_key: Path | None = None
    known_hosts: Path | None = None     # None: first use is trusted, and kept beside the mirror
    token_file: Path | None = None      # a file with the password or token for https, one line
    ca_file: Path | None = None         # PEM of the authority that signed the Git server's certificate
    timeout: float = 120.0              # seconds one fetch may take
    max_fetch: int = 1 << 30            # bytes one fetch may write

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", checked_url(self.url))
        object.__setattr__(self, "branch", checked_branch(self.branch))

    @property
    def scheme(self) -> str:
        """https, ssh or file: the only protocol that git may speak for this remote."""
        return urlsplit(self.url).scheme if "://" in self.url else "ssh"

    def environment(self, folder: Path) -> dict[str, str]:
        """What git needs to sign in. `folder` holds the askpass program and the hosts seen before."""
        env = {"GIT_ALLOW_PROTOCOL": self.scheme}
        if self.scheme == "ssh":
            options = (
                "BatchMode=yes",
                "ConnectTimeout=20",
                "ForwardAgent=no",
                f"StrictHostKeyChecking={'yes' if self.known_hosts else 'accept-new'}",
                f"UserKnownHostsFile={self.known_hosts or folder / 'known_hosts'}",
            )
            argv = ["ssh", "-F", "none"]
            argv += [part for option in options for part in ("-o", option)]
            if self.ssh_key:
                argv += ["-i", str(self.ssh_key), "-o", "IdentitiesOnly=yes"]
            env["GIT_SSH_COMMAND"] = shlex.join(argv)
            env["GIT_SSH_VARIANT"] = "ssh"
        if self.scheme == "https" and self.token_file:
            env["GIT_ASKPASS"] = str(folder / "askpass")
            env["GURU_GIT_TOKEN_FILE"] = str(self.token_file)
        if self.ca_file:
            env["GIT_SSL_CAINFO"] = str(self.ca_file)
        return env


# Git asks "Username for ..." and "Password for ..."; the token is read where it lies, never handed around.
ASKPASS = """#!/bin/sh
case "$1" in
Username*) echo x-access-token ;;
*) head -n 1 "$GURU_GIT_TOKEN_FILE" ;;
esac
"""


def checked_url(url: str) -> str:
    """The URL as git gets it; InputInvalid when git could take it for an option, a command or plain text."""
    hint = "write https://host/fleet.git, ssh://git@host/fleet.git, git@host:fleet.git or file:///srv/fleet.git"
    if url.startswith("/"):
        url = f"file://{url}"
    if len(url) > 2000 or any(ord(c) <= 0x20 or ord(c) == 0x7F for c in url):
        raise InputInvalid("the URL of the fleet repository has spaces or control characters", hint=hint)
    if _SCP.fullmatch(url) and "::" not in url:
        return url
    if url.startswith("-") or "::" in url:
        raise InputInvalid("the URL of the fleet repository is not one that git may be given", hint=hint)
    try:
        parts = urlsplit(url)
        host, password = parts.hostname or "", parts.password
    except ValueError as cause:
        raise InputInvalid("the URL of the fleet repository cannot be read", hint=hint) from cause
    if parts.scheme not in _SCHEMES or not parts.path.strip("/"):
        raise InputInvalid("a fleet repository is reached by https, ssh or file and nothing else", hint=hint)
    if password is not None:
        raise InputInvalid(
            "the URL of the fleet repository holds a password", hint="put it into a file and set `token_file`"
        )
    if parts.scheme == "file" and host:
        raise InputInvalid("a file:// URL names no host", hint="write file:///path with three slashes")
    named = (host, parts.username or host)
    if parts.scheme != "file" and not all(name and not name.startswith("-") for name in named):
        raise InputInvalid("the URL of the fleet repository names no host", hint=hint)
    return url


def checked_branch(branch: str) -> str:
    """The branch name; InputInvalid when it is not one (git-check-ref-format(1), and no leading dash)."""
    if not _BRANCH.fullmatch(branch) or branch == "HEAD":
        raise InputInvalid("the branch to watch is not a branch name", hint="for example `main`")
    return branch
