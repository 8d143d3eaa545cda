"""A commit of the local repository as the language sees it. It asks git for objects, and checks nothing out."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from guru_policy.errors import GuruError, InputInvalid, NotFound, UsageWrong
from guru_policy.tree import MAX_ASSET, MAX_FILES, MAX_YAML, Entry

SECONDS = 60.0
_KINDS: dict[str, Literal["file", "link", "submodule"]] = {"120000": "link", "160000": "submodule"}
_QUIET = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")


class CommitTree:
    """The Tree of a commit, below the folder of the fleet repository inside its Git work tree."""

    def __init__(self, root: Path, revision: str) -> None:
        """NotFound when the repository has no such commit, UsageWrong when the folder is in no repository."""
        self._root = root
        self.revision = commit_of(root, revision)
        self._entries: list[Entry] | None = None
        self._read: dict[str, bytes] = {}

    def entries(self) -> Sequence[Entry]:
        """Every file, link and submodule, by path."""
        if self._entries is None:
            prefix = git(self._root, "rev-parse", "--show-prefix").decode().strip()
            tree = f"{self.revision}:{prefix}"
            listed = git(self._root, "ls-tree", "-r", "-z", "-l", "--full-tree", tree).split(b"\0")
            if len(listed) > MAX_FILES:
                raise InputInvalid(f"{self.revision[:12]} holds more than {MAX_FILES:,} files")
            self._entries = sorted(_entry(line) for line in listed if line)
        return self._entries

    def read(self, entry: Entry) -> bytes:
        """The content. YAML is read all at once, the first time."""
        if entry.blob not in self._read:
            wanted = {entry.blob: entry}
            if entry.path.endswith((".yaml", ".yml")):
                wanted |= {
                    one.blob: one for one in self.entries()
                    if one.kind == "file" and one.path.endswith((".yaml", ".yml")) and one.size <= MAX_YAML
                    and one.blob not in self._read
                }
            elif entry.size > MAX_ASSET:
                raise InputInvalid(f"{entry.path} is too large to be read")
            self._read |= _contents(self._root, wanted.values())
        return self._read[entry.blob]


def commit_of(root: Path, revision: str) -> str:
    """The commit that a name of the local repository means, 40 hex digits."""
    if not revision or revision.startswith("-"):
        raise UsageWrong(f"{revision!r} is no revision")
    done = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if done.returncode:
        inside = _git(root, "rev-parse", "--is-inside-work-tree")
        if inside.returncode:
            raise UsageWrong(f"{root} is in no Git repository, so that it has no revision {revision!r}")
        raise NotFound(f"this repository has no commit {revision!r}", hint="fetch it first: git fetch")
    return done.stdout.decode("ascii", "replace").strip()


def is_clean(root: Path, but: Path | None = None) -> bool:
    """Whether the folder holds exactly what its newest commit holds, whatever becomes of the file `but`."""
    words = ["status", "--porcelain", "--untracked-files=all", "--", "."]
    if but is not None and but.resolve().is_relative_to(root.resolve()):
        words.append(f":(exclude,literal){but.resolve().relative_to(root.resolve())}")
    return not git(root, *words).strip()


def git(root: Path, *words: str, stdin: bytes = b"") -> bytes:
    """What git prints; GuruError with its words when it fails."""
    done = _git(root, *words, stdin=stdin)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GuruError(f"git {words[0]} failed: {said[-1] if said else f'exit {done.returncode}'}")
    return done.stdout


def _git(root: Path, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run([*_QUIET, "-C", str(root), *words], capture_output=True, timeout=SECONDS,
                              check=False, input=stdin)
    except FileNotFoundError as cause:
        raise GuruError("git is not installed", hint="install it: revisions are read through it") from cause
    except subprocess.TimeoutExpired as cause:
        raise GuruError(f"git {words[0]} took longer than {SECONDS:.0f} s") from cause


def _entry(line: bytes) -> Entry:
    """One line of `git ls-tree -l -z`: mode, type, object, size, tab, path."""
    about, _, path = line.partition(b"\t")
    mode, _, blob, size = about.decode("ascii").split()
    return Entry(path.decode("utf-8", "surrogateescape"), _KINDS.get(mode, "file"),
                 int(size) if size.isdigit() else 0, blob)


def _contents(root: Path, entries: Iterable[Entry]) -> dict[str, bytes]:
    """The bytes by object id, from one `git cat-file --batch`."""
    wanted = list(entries)
    asked = "".join(f"{entry.blob}\n" for entry in wanted).encode()
    out = git(root, "cat-file", "--batch", stdin=asked)
    found, at = {}, 0
    for entry in wanted:
        end = out.index(b"\n", at)
        head = out[at:end].split()
        if len(head) != 3 or head[1] != b"blob":
            raise GuruError(f"{entry.path} cannot be read from the repository", hint="git fsck tells more")
        start, size = end + 1, int(head[2])
        found[entry.blob] = out[start:start + size]
        at = start + size + 1
    return found
