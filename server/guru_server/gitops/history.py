"""What commits between two others say and change. It reads the mirror, and judges nobody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from guru_policy.errors import Refused
from guru_server.gitops.command import Finished, failed
from guru_server.gitops.keyring import Keyring
from guru_server.gitops.mirror import REVISION, Mirror

MAX_COMMITS = 2_000                     # each costs two processes of ssh-keygen or one of gpg
MAX_SEALS = 5
SEAL = "Guru-Seal"


class Signed(NamedTuple):
    """A commit and the fingerprint of the key that signed it; None with the reason why there is none."""

    revision: str
    parents: tuple[str, ...]
    fingerprint: str | None
    problem: str = ""


class History:
    """Questions about commits; every answer is bounded."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    async def lineage(self, tip: str, base: str) -> dict[str, tuple[str, ...]]:
        """The commits of `base..tip` with their parents, parents first. Refused when they are too many."""
        done = await self._mirror.look(
            "log", "--topo-order", "--no-show-signature", f"--max-count={MAX_COMMITS + 1}",
            "--format=tformat:%H %P", tip, f"^{base}", "--",
        )
        lines = [line.split() for line in _said(done, tip).decode("ascii", "replace").splitlines()]
        if len(lines) > MAX_COMMITS:
            raise Refused(
                f"there are more than {MAX_COMMITS:,} commits since {base[:12]}",
                hint=f"let a signer of every path push a commit with the trailer {SEAL}",
            )
        return {line[0]: tuple(line[1:]) for line in reversed(lines)}

    async def signed(self, commits: Iterable[str], ring: Keyring) -> list[Signed]:
        """These commits in their order, with who signed them as far as the keyring can tell."""
        layout = "--format=tformat:%H%x00%P%x00%G?%x00%GF%x00%GP"
        done = await self._mirror.look(
            *ring.options, "log", "--no-walk=unsorted", "--no-show-signature", "--stdin", layout,
            extra=ring.environment, timeout=300, stdin="".join(f"{one}\n" for one in commits).encode(),
        )
        lines = _said(done, "the commits").decode("ascii", "replace").splitlines()
        return [_signed(*line.split("\0")) for line in lines]

    async def touching_root(self, tip: str, base: str) -> set[str]:
        """The commits of `base..tip` that change a YAML file at the root; merges are not among them."""
        done = await self._mirror.look(
            "log", "--full-history", "--no-merges", "--no-show-signature", "--format=tformat:%H", tip, f"^{base}",
            "--", ":(top,glob)*.yaml", ":(top,glob)*.yml",
        )
        return set(_said(done, tip).decode("ascii", "replace").split())

    async def seals(self, tip: str, base: str) -> list[str]:
        """The newest commits of `base..tip` whose message ends with a Guru-Seal trailer, newest first."""
        layout = f"--format=tformat:%H %(trailers:key={SEAL},valueonly,separator=%x2C)"
        done = await self._mirror.look(
            "log", "--no-show-signature", "--fixed-strings", "--regexp-ignore-case", f"--grep={SEAL}",
            f"--max-count={MAX_SEALS}", layout, tip, f"^{base}", "--",
        )
        words = (line.split(" ", 1) for line in _said(done, tip).decode(errors="replace").splitlines())
        return [line[0] for line in words if len(line) == 2 and line[1].strip() and REVISION.fullmatch(line[0])]

    async def between(self, old: str | None, new: str) -> tuple[str, ...]:
        """The paths in which two commits or trees differ; with None, every path of the new one."""
        if old is None:
            done = await self._mirror.look("ls-tree", "-r", "-z", "--name-only", "--full-tree", new)
        else:
            done = await self._mirror.look("diff-tree", "-r", "-z", "--no-renames", "--name-only", old, new, "--")
        return _paths(_said(done, new))

    async def own_changes(self, commit: Signed) -> tuple[str, ...]:
        """The paths that this very commit changed.

        Of a merge: where it differs from what git's own merge of its parents gives, and where that one
        had conflicts. So a merge cannot undo what others changed without showing it.
        """
        if len(commit.parents) < 2:
            return await self.between(next(iter(commit.parents), None), commit.revision)
        if len(commit.parents) == 2:
            done = await self._mirror.look("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages",
                                           "--allow-unrelated-histories", *commit.parents)
            tree, *conflicts = _paths(done.stdout) or ("",)
            if done.exit_code in (0, 1) and REVISION.fullmatch(tree):
                return tuple({*await self.between(tree, commit.revision), *conflicts})
        found: set[str] = set()         # an octopus, or a git before 2.38: all that any parent had otherwise
        for parent in commit.parents:
            found |= set(await self.between(parent, commit.revision))
        return tuple(found)


def _signed(revision: str, parents: str, state: str, fingerprint: str, primary: str) -> Signed:
    above = tuple(parents.split())
    if state == "G" and (primary or fingerprint):
        return Signed(revision, above, primary or fingerprint)
    problem = {
        "B": "its signature is bad", "X": "its signature has expired", "Y": "its key has expired",
        "R": "its key was revoked", "N": "it is not signed", "": "it is not signed",
    }.get(state, "it is not signed by a key that may sign")
    return Signed(revision, above, None, problem)


def _said(done: Finished, revision: str) -> bytes:
    if done.exit_code:
        raise failed(f"the history of {revision[:12]} cannot be read", done)
    return done.stdout


def _paths(listing: bytes) -> tuple[str, ...]:
    names: Iterable[bytes] = listing.split(b"\0")
    return tuple(name.decode("utf-8", "surrogateescape") for name in names if name)
