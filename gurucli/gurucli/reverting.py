"""A branch whose newest commit holds the files of a former one, pushed. It touches no file and no local branch."""

from __future__ import annotations

from pathlib import Path

from guru_policy.errors import GuruError, NotFound
from gurucli.clean import clean
from gurucli.commit_tree import commit_of, git

REMOTE = "origin"


def push_revert(root: Path, revision: str, reason: str) -> str:
    """Push `guru/rollback-<revision>` to origin, upon its default branch as it was last fetched; its name.

    NotFound when the repository has not that commit; GuruError in git's words when it cannot be pushed.
    """
    former = commit_of(root, revision)
    tip = _tip(root)
    message = f"Roll back to {former[:12]}\n\n{clean(reason)}\n"
    made = git(root, "commit-tree", f"{former}^{{tree}}", "-p", tip, "-F", "-", stdin=message.encode())
    commit = made.decode("ascii").strip()
    branch = f"guru/rollback-{former[:12]}"
    git(root, "push", "--quiet", "--force", REMOTE, f"{commit}:refs/heads/{branch}")
    return branch


def _tip(root: Path) -> str:
    """The remote's default branch, or the branch of the same name as the current one."""
    here = git(root, "rev-parse", "--abbrev-ref", "HEAD").decode().strip()
    for name in (f"{REMOTE}/HEAD", f"{REMOTE}/{here}"):
        try:
            return commit_of(root, f"refs/remotes/{name}")
        except NotFound:
            continue
    raise GuruError(f"this repository knows no branch of {REMOTE}", hint="fetch first: git fetch")
