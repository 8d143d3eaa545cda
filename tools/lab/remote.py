"""A real Git remote with a working copy to push from. It talks to nothing but its own folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Robin Ito",
    "GIT_AUTHOR_EMAIL": "robin@msp.example",
    "GIT_COMMITTER_NAME": "Robin Ito",
    "GIT_COMMITTER_EMAIL": "robin@msp.example",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Remote:
    """`bare` is what the server watches; `work` is what a person edits."""

    def __init__(self, folder: Path, branch: str = "main") -> None:
        self.bare, self.work, self.branch = folder / "fleet.git", folder / "fleet", branch

    @property
    def url(self) -> str:
        """What to give to the server."""
        return f"file://{self.bare}"

    def create(self, example: Path) -> str:
        """Make both, with the content of `example` as the first commit; the commit."""
        self.bare.parent.mkdir(parents=True, exist_ok=True)
        first = f"--initial-branch={self.branch}"
        self._git(self.bare.parent, "init", "--quiet", "--bare", first, str(self.bare))
        shutil.copytree(example, self.work)
        self._git(self.work, "init", "--quiet", first)
        self._git(self.work, "remote", "add", "origin", str(self.bare))
        for key in ("name", "email"):           # so that whoever tries it can commit at once
            self._git(self.work, "config", f"user.{key}", ENVIRONMENT[f"GIT_AUTHOR_{key.upper()}"])
        for key, value in (("remote", "origin"), ("merge", f"refs/heads/{self.branch}")):
            self._git(self.work, "config", f"branch.{self.branch}.{key}", value)
        return self.push("Start the fleet repository")

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Change the working copy: content by path, None deletes."""
        for path, content in files.items():
            target = self.work / path
            if content is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)

    def push(
        self, message: str, files: Mapping[str, str | bytes | None] | None = None, *, force: bool = False
    ) -> str:
        """Write `files`, commit everything and push; the commit, 40 hex digits."""
        self.write(files or {})
        self._git(self.work, "add", "--all")
        self._git(self.work, "commit", "--quiet", "--allow-empty", "--message", message)
        forced = ["--force"] if force else []
        self._git(self.work, "push", "--quiet", *forced, "origin", f"HEAD:{self.branch}")
        return self.head()

    def head(self) -> str:
        """The commit checked out in the working copy."""
        return self._git(self.work, "rev-parse", "HEAD")

    def git(self, *arguments: str, stdin: str = "") -> str:
        """Run git in the working copy; its output, stripped."""
        return self._git(self.work, *arguments, stdin=stdin)

    def push_nested(self, entry: str, *, levels: int) -> str:
        """Push a commit whose tree holds a line of `git mktree` 8 ** levels times over; the commit."""
        tree = self.git("mktree", stdin=f"{entry}\n")
        for _ in range(levels):
            tree = self.git("mktree", stdin="".join(f"040000 tree {tree}\t{name}\n" for name in "abcdefgh"))
        commit = self.git("commit-tree", tree, "-p", "HEAD", "-m", "Nest")
        self.git("push", "--quiet", "origin", f"{commit}:{self.branch}")
        return commit

    def _git(self, folder: Path, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env={**os.environ, **ENVIRONMENT},
            check=True,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout.strip()
