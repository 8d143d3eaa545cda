"""A folder that holds a revision of a Git repository. Looks and plans; never touches the machine.

The repository is hostile: no hooks, no submodules, no other protocols, no configuration of the machine's, and git
refuses by itself to work in a folder that is not root's.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints, model_validator

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.machine import Line, PathName
from guru_policy.model import wrong
from guru_policy.quantities import shown
from guru_policy.resources.base import Resource
from guru_policy.steps import Execute, Remove, Step

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SCP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[A-Za-z0-9_~./-]+")
_SAFE = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "submodule.recurse=false", "protocol.ext.allow=never")
_FETCH = 1800.0                         # seconds


def _repository(value: str) -> str:
    if _SCP.fullmatch(value):
        return value
    parts = urlsplit(value)
    if parts.scheme not in ("https", "ssh", "file") or " " in value or not value.isascii():
        raise wrong(f"{shown(value)} is not a repository", hint="https://..., ssh://..., git@host:path or file:///...")
    if parts.password is not None:
        raise wrong("the address holds a password", hint="use a deploy key, or a repository that anybody may read")
    if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
        raise wrong(f"{shown(value)} is not a path on the machine", hint="write file:///srv/git/x.git")
    if parts.scheme != "file" and (not parts.hostname or parts.hostname.startswith("-")):
        raise wrong(f"{shown(value)} names no host")
    return value


def _revision(value: str) -> str:
    if ".." in value or "//" in value or value.endswith((".lock", "/", ".")):
        raise wrong(f"{shown(value)} is not a revision", hint="a branch, a tag or a whole commit id")
    return value


Repository = Annotated[Line, StringConstraints(min_length=1, max_length=1000), AfterValidator(_repository)]
Revision = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}\z"), AfterValidator(_revision)
]


class CheckoutState(NamedTuple):
    """`head` None: nothing is checked out; `wanted` and `ref` are what the repository has now."""

    exists: bool
    url: str = ""
    head: str | None = None
    dirty: bool = False
    wanted: str = ""
    ref: str = ""


class GitCheckout(Resource[CheckoutState]):
    """Keep a folder at a branch, a tag or a commit. Changed files are put back; files beside them stay."""

    platforms = frozenset({"linux"})

    kind: Literal["git_checkout"] = "git_checkout"
    path: PathName
    repository: Repository
    revision: Revision = "HEAD"
    ensure: Literal["present", "absent"] = "present"

    @model_validator(mode="after")
    def _deep_enough(self) -> GitCheckout:
        if posixpath.dirname(self.path) == "/":
            raise wrong("a folder at the root of the machine cannot be a checkout", hint="name one further down")
        return self

    async def probe(self, host: Host) -> CheckoutState:
        stat = await host.stat(self.path)
        if stat is None:
            found = CheckoutState(False)
        else:
            inside = await self._ask(host, "rev-parse", "--git-dir")
            if inside != ".git" and self.ensure == "absent":
                return CheckoutState(False)
            if inside != ".git":
                raise CannotLook(f"{self.path} is there and is no checkout of root's", hint="move it away")
            found = CheckoutState(
                True, await self._ask(host, "config", "--get", "remote.origin.url"),
                await self._ask(host, "rev-parse", "--verify", "--quiet", "HEAD^{commit}") or None,
                bool(await self._ask(host, "status", "--porcelain", "--untracked-files=no")),
            )
        if self.ensure == "absent":
            return found
        wanted, ref = await self._wanted(host)
        return found._replace(wanted=wanted, ref=ref)

    async def _ask(self, host: Host, *words: str) -> str:
        done = await host.run(self._git("-C", self.path, *words), timeout=120.0, env=self._env())
        return done.stdout.strip()

    async def _wanted(self, host: Host) -> tuple[str, str]:
        """The commit, and the ref to fetch it by."""
        if _COMMIT.fullmatch(self.revision):
            return self.revision, self.revision
        tag, branch = f"refs/tags/{self.revision}", f"refs/heads/{self.revision}"
        argv = self._git("ls-remote", "--quiet", "--", self.repository, self.revision, f"{tag}^{{}}")
        done = await host.run(argv, timeout=60.0, env=self._env())
        if done.exit_code != 0:
            raise CannotLook(f"the repository does not answer: {' '.join(done.stderr.split())[-200:]}")
        words = [line.split("\t") for line in done.stdout.splitlines()]
        refs = {pair[1]: pair[0] for pair in words if len(pair) == 2 and _COMMIT.fullmatch(pair[0])}
        for name, ref in ((f"{tag}^{{}}", tag), (tag, tag), (branch, branch), (self.revision, self.revision)):
            if name in refs:
                return refs[name], ref
        raise CannotLook(f"the repository has no branch or tag {self.revision}")

    def plan(self, now: CheckoutState) -> Iterator[Step]:
        if self.ensure == "absent":
            if now.exists and now.url == self.repository:
                yield Remove(self.path, recursive=True)
            return
        if not now.exists:
            yield self._step("init", "--quiet", "--template=", "--", self.path)
        if now.url != self.repository:
            yield self._step("-C", self.path, "config", "remote.origin.url", self.repository)
        if now.head != now.wanted:
            yield self._step(
                "-C", self.path, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules",
                "--", "origin", now.ref,
            )
            yield self._step("-C", self.path, "checkout", "--quiet", "--force", "--detach", "FETCH_HEAD")
        elif now.dirty:
            yield self._step("-C", self.path, "reset", "--quiet", "--hard", "HEAD")

    def _step(self, *words: str) -> Execute:
        return Execute(self._git(*words), _FETCH, tuple(sorted(self._env().items())), system=True)

    def _git(self, *words: str) -> tuple[str, ...]:
        return ("git", *(word for option in _SAFE for word in ("-c", option)), *words)

    def _env(self) -> dict[str, str]:
        return {
            "GIT_ALLOW_PROTOCOL": "https:ssh:file", "GIT_CEILING_DIRECTORIES": posixpath.dirname(self.path),
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSH_COMMAND": "ssh -oBatchMode=yes", "LC_ALL": "C",
        }
