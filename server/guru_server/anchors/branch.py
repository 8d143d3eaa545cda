"""A branch of a Git remote that checkpoints are pushed to, as messages of commits. It never pushes with force."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from guru_policy.errors import GuruError, Refused, Unreachable
from guru_server.anchors.growing import refuse_shorter
from guru_server.gitops.command import Finished, environment, failed, git
from guru_server.gitops.mirror import REVISION
from guru_server.gitops.source import ASKPASS, Source
from guru_wire.audit_chain import Checkpoint, line_of

WHO = "GuruRMM audit log"
README = """Checkpoints of a GuruRMM audit log, one JSON object in the message of each commit.

`git log --format=%B` writes them all; `guru audit verify --anchor FILE` holds the log against them.
Protect this branch: nobody needs to rewrite or delete it.
"""


class BranchAnchor:
    """One branch, with a small repository of its own under the data folder."""

    name = "git"
    quick = False

    def __init__(self, data: Path, source: Source) -> None:
        self._folder, self._source = data / "anchor", source
        self._path = self._folder / "branch.git"
        self.place = f"{source.url} {source.branch}"

    async def extend(self, new: Sequence[Checkpoint], mark: str) -> str:
        """Push one commit with the checkpoints; its id. Refused when the branch is not what was pushed before."""
        await self._open()
        tip = await self._tip()
        if mark and not (tip and await self._holds(mark, tip)):
            raise Refused(
                f"branch {self._source.branch} was rewritten: it no longer holds {mark[:12]}, which was pushed there",
                hint="find out who did that, then set another audit.anchor.branch",
            )
        if tip:
            said = await self._git("log", "-1", "--format=%B", tip)
            refuse_shorter(said.decode(errors="replace").splitlines(), new)
        commit = await self._commit(new, tip)
        done = await self._run("push", "--quiet", "--", self._source.url,
                               f"{commit}:refs/heads/{self._source.branch}", network=True)
        if done.exit_code:
            raise self._away("could not be pushed to", done)
        return commit

    async def _open(self) -> None:
        if (self._path / "HEAD").exists():
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        askpass = self._folder / "askpass"
        askpass.write_text(ASKPASS)
        askpass.chmod(0o700)
        await self._git("init", "--quiet", "--bare", "--template=", str(self._path), repository=False)

    async def _tip(self) -> str | None:
        """The branch's newest commit, fetched; None when the remote has no such branch."""
        name = f"refs/heads/{self._source.branch}"
        done = await self._run("ls-remote", "--quiet", "--", self._source.url, name, network=True)
        if done.exit_code:
            raise self._away("does not answer", done)
        words = done.stdout.decode("ascii", "replace").split()
        if len(words) != 2 or words[1] != name or not REVISION.fullmatch(words[0]):
            return None
        if (await self._run("cat-file", "-e", f"{words[0]}^{{commit}}")).exit_code:
            fetch = ("fetch", "-q", "--force", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--")
            done = await self._run(*fetch, self._source.url, f"+{name}:refs/guru/anchor", network=True)
            if done.exit_code:
                raise self._away("could not be fetched", done)
        return words[0]

    async def _holds(self, older: str, newer: str) -> bool:
        return (await self._run("merge-base", "--is-ancestor", older, newer)).exit_code == 0

    async def _commit(self, new: Sequence[Checkpoint], tip: str | None) -> str:
        readme = (await self._git("hash-object", "-w", "--stdin", stdin=README.encode())).decode().strip()
        tree = (await self._git("mktree", stdin=f"100644 blob {readme}\tREADME.md\n".encode())).decode().strip()
        message = "\n".join([f"Rows up to {new[-1].seq}", "", *(line_of(one) for one in new)])
        parent = ("-p", tip) if tip else ()
        made = await self._git("commit-tree", tree, *parent, stdin=message.encode(), when=new[-1].at // 1000)
        return made.decode().strip()

    async def _git(
        self, *arguments: str, stdin: bytes = b"", when: int = 0, repository: bool = True
    ) -> bytes:
        done = await self._run(*arguments, stdin=stdin, when=when, repository=repository)
        if done.exit_code:
            raise failed(f"git {arguments[0]} for the audit log's branch failed", done)
        return done.stdout

    async def _run(
        self, *arguments: str, stdin: bytes = b"", when: int = 0, repository: bool = True, network: bool = False
    ) -> Finished:
        extra = self._source.environment(self._folder) if network else {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", WHO), ("EMAIL", "audit@guru.invalid"), ("DATE", f"@{when} +0000"))
        }
        env = environment(self._path, extra)
        if not repository:
            del env["GIT_DIR"]
        limit = self._source.max_fetch if network else None
        return await git(*arguments, env=env, cwd=self._folder, timeout=self._source.timeout, max_file=limit,
                         stdin=stdin)

    def _away(self, what: str, done: Finished) -> GuruError:
        return Unreachable(
            f"the audit log's branch {what}: {done.stderr or f'git ended with {done.exit_code}'}",
            hint="check audit.anchor.git, its key or token file, and whether that may push",
        )
