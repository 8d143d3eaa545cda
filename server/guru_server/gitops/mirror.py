"""The bare mirror of the fleet repository: fetches, and tells commits apart. It never checks anything out."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from guru_policy.errors import GuruError, InputInvalid, NotFound, Unreachable
from guru_policy.guarding import TRAILER
from guru_server.gitops.command import Finished, environment, failed, git, one_line
from guru_server.gitops.source import ASKPASS, Source
from guru_server.gitops.tree import GitTree, MirrorBroken

log = logging.getLogger("guru.gitops")

TIP = "refs/guru/tip"
KEPT = "refs/guru/kept/"
REVISION = re.compile(r"[0-9a-f]{40}")
MAX_CONSENTS = 20
LISTING = 30.0                          # seconds to say where branches are: one small answer
_CONSENT = re.compile(r"([0-9a-f]{40}) ([0-9]{1,9}(?:,[0-9]{1,9})*)")
_FETCH = ("fetch", "-q", "--force", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--")


class Tip(NamedTuple):
    """The branch's newest commit, and whether it was not the newest at the fetch before."""

    revision: str
    changed: bool


class Commit(NamedTuple):
    """A commit's own words, safe to show."""

    revision: str
    parent: str | None
    author: str
    subject: str


class Consent(NamedTuple):
    """A commit whose message ends with a Guru-Allow-Delete trailer, and its number."""

    revision: str
    allowed: int


class Mirror:
    """One bare repository under the data folder. Fetches stand in line; reading may go on beside them."""

    def __init__(self, data: Path, source: Source) -> None:
        self._data, self._path, self.source = data, data / "mirror", source
        self._lock = asyncio.Lock()
        self._packing = asyncio.Lock()  # git packs beside fetches and reads, and never beside a new clone
        self._ready = False

    async def fetch(self) -> Tip:
        """Bring the branch's tip here.

        Raises Unreachable when the remote does not answer, NotFound when the branch is gone or there is no
        commit at all, DeadlinePassed when it takes too long; the tip known before stays what it was.
        """
        async with self._lock:
            await self._open()
            known = await self._resolve(TIP)
            wanted = await self._remote_tip(known)
            if wanted == known:
                return Tip(wanted, changed=False)
            await self._bring(f"+refs/heads/{self.source.branch}:{TIP}")
            tip = await self._resolve(TIP)
            if tip is None:
                raise GuruError(f"branch {self.source.branch} does not point to a commit")
            return Tip(tip, changed=tip != known)

    async def ensure(self, revision: str) -> bool:
        """Whether the mirror has this commit, after asking the remote for it when it has not."""
        if not REVISION.fullmatch(revision):
            raise InputInvalid("a revision is 40 hex digits")
        if self._ready and await self._resolve(revision) == revision:
            return True                 # whatever somebody else is asking the remote for
        async with self._lock:
            await self._open()
            if await self._resolve(revision) == revision:
                return True
            for refspec in (f"+refs/heads/{self.source.branch}:{TIP}", f"+{revision}:{KEPT}{revision}"):
                await self._run(*_FETCH, self.source.url, refspec, network=True)
                if await self._resolve(revision) == revision:
                    return True
            return False

    async def keep(self, revisions: Collection[str]) -> None:
        """Hold on to these commits and no others, whatever becomes of the branch."""
        async with self._lock:
            await self._open()
            kept = await self._kept()
            lines = [f"create {KEPT}{one} {one}\n" for one in sorted(set(revisions) - kept)]
            lines += [f"delete {KEPT}{one}\n" for one in sorted(kept - set(revisions))]
            if lines:
                wanted = "".join(lines).encode()
                done = await self._run("update-ref", "--stdin", stdin=wanted)
                if done.exit_code and not self._packing.locked():
                    await asyncio.to_thread(_sweep, self._path)     # a git that was killed left its locks
                    done = await self._run("update-ref", "--stdin", stdin=wanted)
                if done.exit_code:
                    raise failed("the mirror cannot hold on to the revisions in force", done)

    async def commit(self, revision: str) -> Commit:
        """The author, subject and first parent of a commit that is here; MirrorBroken when it cannot be read."""
        layout = "%an%x00%s%x00%P"
        done = await self._run("log", "-1", "--no-show-signature", f"--format={layout}", revision, "--")
        if done.exit_code:
            raise MirrorBroken(failed(f"commit {revision} cannot be read", done).message)
        author, subject, parents = done.stdout.decode(errors="replace").rstrip("\n").split("\0")
        return Commit(
            revision=revision,
            parent=parents.split(" ")[0] or None,
            author=one_line(author, 100),
            subject=one_line(subject, 200),
        )

    async def consents(self, revision: str, since: Collection[str]) -> list[Consent]:
        """The consents to deletions up to this commit that no revision of `since` holds all together.

        The newest first, and 20 at most.
        """
        shared = await self._run("merge-base", "--octopus", *sorted(since)) if since else None
        past = shared.stdout.decode("ascii", "replace").split() if shared and not shared.exit_code else since
        words = ("--fixed-strings", "--regexp-ignore-case", f"--grep={TRAILER}", f"--max-count={MAX_CONSENTS}")
        layout = f"--format=%H %(trailers:key={TRAILER},valueonly,separator=%x2C)"
        done = await self._run("log", "--no-show-signature", *words, layout, revision,
                               *(f"^{one}" for one in sorted(past)), "--")
        if done.exit_code:
            raise failed(f"the history of {revision} cannot be read", done)
        found = (_CONSENT.fullmatch(line) for line in done.stdout.decode(errors="replace").splitlines())
        return [
            Consent(line[1], max(int(number) for number in line[2].split(","))) for line in found if line
        ]

    async def tree_of(self, revision: str) -> str:
        """The id of the tree of a commit that is here: equal for commits that hold the same files.

        MirrorBroken when it cannot be read.
        """
        done = await self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{tree}}")
        if done.exit_code:
            raise MirrorBroken(failed(f"commit {revision} cannot be read", done).message)
        return done.stdout.decode("ascii", "replace").strip()

    async def contains(self, older: str, newer: str) -> bool:
        """Whether `older` is `newer` or one of its ancestors; False too when it is not here any more."""
        return (await self._run("merge-base", "--is-ancestor", older, newer)).exit_code == 0

    async def known_blobs(self, ids: Iterable[str]) -> dict[str, int]:
        """Those of these object ids that the mirror has as blobs, with their sizes in bytes."""
        asked = sorted(set(ids))
        if not all(REVISION.fullmatch(one) for one in asked):
            raise InputInvalid("a blob id is 40 hex digits")
        if not asked:
            return {}
        await self.opened()
        lookups = "".join(f"{one}\n" for one in asked).encode()
        done = await self._run("cat-file", "--batch-check", stdin=lookups)
        lines = (line.split() for line in done.stdout.decode("ascii", "replace").splitlines())
        return {words[0]: int(words[2]) for words in lines if len(words) == 3 and words[1] == "blob"}

    async def opened(self) -> Path:
        """The folder, made when it was not there."""
        async with self._lock:
            await self._open()
            return self._path

    async def look(
        self,
        *arguments: str,
        extra: Mapping[str, str] | None = None,
        timeout: float | None = None,
        stdin: bytes = b"",
    ) -> Finished:
        """What a git command says that only reads the mirror; `extra` joins its environment."""
        await self.opened()
        return await self._run(*arguments, extra=extra, timeout=timeout, stdin=stdin)

    @property
    def data(self) -> Path:
        """The folder that the mirror stands in."""
        return self._data

    def tree(self, revision: str) -> GitTree:
        """The files of a commit that is here."""
        return GitTree(self._path, revision)

    async def rebuild(self) -> None:
        """Clone again: for a mirror that is damaged. Commits held on to are saved when they can be."""
        async with self._lock:
            await self._rebuild()

    async def tidy(self) -> None:
        """Pack what many fetches left behind, when it is worth it. Fetches and reads go on meanwhile."""
        await self.opened()
        async with self._packing:
            settings = ("-c", "gc.auto=4000", "-c", "gc.autoPackLimit=40", "-c", "gc.autoDetach=false")
            await self._run(*settings, "gc", "--auto", "--quiet", timeout=600)

    async def _remote_tip(self, known: str | None) -> str:
        branch = f"refs/heads/{self.source.branch}"
        heads = await self._ls_remote(branch)
        if branch in heads:
            return heads[branch]
        if known:
            raise NotFound(
                f"branch {self.source.branch} is gone from the fleet repository",
                hint="push it again, or set `branch` to the one that took its place",
            )
        if await self._ls_remote():
            raise NotFound(f"the fleet repository has no branch {self.source.branch}", hint="set `branch`")
        raise NotFound("the fleet repository is empty", hint=f"push a first commit to {self.source.branch}")

    async def _ls_remote(self, *patterns: str) -> dict[str, str]:
        done = await self._run(
            "ls-remote", "--quiet", "--", self.source.url, *patterns, network=True,
            timeout=min(LISTING, self.source.timeout),
        )
        if done.exit_code:
            raise self._unreachable(done)
        lines = (line.split("\t") for line in done.stdout.decode(errors="replace").splitlines())
        return {words[1]: words[0] for words in lines if len(words) == 2 and REVISION.fullmatch(words[0])}

    async def _bring(self, refspec: str) -> None:
        """Fetch; when that fails and the mirror is to blame, clone again."""
        done = await self._run(*_FETCH, self.source.url, refspec, network=True)
        if not done.exit_code:
            return
        if not self._packing.locked():
            await asyncio.to_thread(_sweep, self._path)
        if await self._intact():
            raise self._unreachable(done)
        log.warning("the mirror of the fleet repository is damaged: cloning again")
        await self._rebuild()

    async def _open(self) -> None:
        if self._ready and (self._path / "HEAD").exists():
            return
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        askpass = self._data / "askpass"
        askpass.write_text(ASKPASS)
        askpass.chmod(0o700)
        if not (self._path / "HEAD").exists():
            await self._init()
        elif (self._path / "shallow").exists() or not await self._intact(quick=True):
            log.warning("the mirror of the fleet repository is not whole: cloning again")
            await self._rebuild()
        await asyncio.to_thread(_sweep, self._path)
        self._ready = True

    async def _init(self) -> None:
        done = await self._run("init", "--quiet", "--bare", "--template=", str(self._path), repository=False)
        if done.exit_code:
            raise failed("the mirror of the fleet repository cannot be made", done)

    async def _rebuild(self) -> None:
        async with self._packing:
            await self._clone()

    async def _clone(self) -> None:
        old = self._path.with_name("mirror.damaged")
        await asyncio.to_thread(shutil.rmtree, old, ignore_errors=True)
        kept = await self._kept()
        if self._path.exists():
            self._path.rename(old)
        await self._init()
        done = await self._run(
            *_FETCH, self.source.url, f"+refs/heads/{self.source.branch}:{TIP}", network=True
        )
        for one in sorted(kept):
            if await self._resolve(one) == one:
                await self._run("update-ref", f"{KEPT}{one}", one)
                continue
            saved = await self._run(*_FETCH, str(old), f"+{KEPT}{one}:{KEPT}{one}", allow="file")
            if saved.exit_code:
                await self._run(*_FETCH, self.source.url, f"+{one}:{KEPT}{one}", network=True)
        await asyncio.to_thread(shutil.rmtree, old, ignore_errors=True)
        if done.exit_code:
            raise self._unreachable(done)

    async def _intact(self, *, quick: bool = False) -> bool:
        if quick:
            refs = await self._run("for-each-ref", "--format=%(objectname)", "refs/guru/")
            checked = "".join(f"{one}^{{tree}}\n" for one in refs.stdout.decode("ascii", "replace").split())
            done = await self._run("cat-file", "--batch-check", stdin=checked.encode())
            return not refs.exit_code and not done.exit_code and b" missing" not in done.stdout
        done = await self._run("fsck", "--connectivity-only", "--no-dangling", "--no-progress")
        return done.exit_code == 0

    async def _kept(self) -> set[str]:
        done = await self._run("for-each-ref", "--format=%(refname)", KEPT)
        names = done.stdout.decode("ascii", "replace").split()
        return {name.removeprefix(KEPT) for name in names if REVISION.fullmatch(name.removeprefix(KEPT))}

    async def _resolve(self, name: str) -> str | None:
        done = await self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        found = done.stdout.decode("ascii", "replace").strip()
        return found if not done.exit_code and REVISION.fullmatch(found) else None

    async def _run(
        self,
        *arguments: str,
        network: bool = False,
        repository: bool = True,
        allow: str | None = None,
        extra: Mapping[str, str] | None = None,
        timeout: float | None = None,
        stdin: bytes = b"",
    ) -> Finished:
        env = environment(self._path, self.source.environment(self._data) if network else extra)
        if allow:
            env["GIT_ALLOW_PROTOCOL"] = allow
        if not repository:
            del env["GIT_DIR"]
        return await git(
            *arguments,
            env=env,
            cwd=self._data,
            timeout=timeout or self.source.timeout,
            max_file=self.source.max_fetch if network else None,
            stdin=stdin,
        )

    def _unreachable(self, done: Finished) -> Unreachable:
        return Unreachable(
            f"the fleet repository could not be fetched: {done.stderr or f'git ended with {done.exit_code}'}",
            hint="check `remote`, the key or token file, and the network of the server",
        )


def _sweep(repository: Path) -> None:
    """Remove what a fetch that was killed left behind."""
    for pattern in ("objects/pack/tmp_*", "objects/pack/.tmp-*", "refs/guru/**/*.lock", "*.lock"):
        for left in repository.glob(pattern):
            left.unlink(missing_ok=True)
