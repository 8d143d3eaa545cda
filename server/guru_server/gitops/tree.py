"""The files of one commit, read out of the mirror without a checkout. It writes nothing, follows nothing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from subprocess import Popen
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from guru_policy.errors import GuruError, InputInvalid, Unsupported
from guru_policy.tree import MAX_ASSET, MAX_FILES, Entry
from guru_server.gitops.command import environment

if TYPE_CHECKING:
    from git.cmd import Git

MAX_LISTING = 64 << 20                  # bytes of `git ls-tree`
READ_SECONDS = 120.0                    # a tree is read within this, or git is ended

Kind = Literal["file", "link", "submodule"]
_KINDS: dict[bytes, Kind] = {b"120000": "link", b"160000": "submodule"}


class MirrorBroken(GuruError):
    """An object that the mirror should have is missing or damaged: the mirror has to be cloned again."""


class GitTree:
    """A Tree over one commit; use it in a `with`, in one thread. Plumbing commands only, by GitPython."""

    def __init__(self, repository: Path, revision: str, *, patience: float = READ_SECONDS) -> None:
        self._repository, self._revision, self._patience = repository, revision, patience
        self._git: Git | None = None
        self._lister: Popen[bytes] | None = None
        self._entries: list[Entry] | None = None
        self._executables: frozenset[str] = frozenset()
        self._late = False
        self._watchdog = threading.Timer(patience, self._give_up)
        self._watchdog.daemon = True

    @property
    def revision(self) -> str:
        """The commit, 40 hex digits."""
        return self._revision

    def __enter__(self) -> Self:
        self._git = _plumbing(self._repository)
        self._watchdog.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watchdog.cancel()
        self.close()

    def close(self) -> None:
        """End git's processes; a read that waits for them fails."""
        if self._lister is not None:
            self._lister.kill()
        if self._git is not None:
            self._git.clear_cache()

    def entries(self) -> Sequence[Entry]:
        """Every file, link and submodule.

        InputInvalid when they are too many or take too long to list, MirrorBroken when git fails.
        """
        if self._entries is None:
            listing = self._listing().split(b"\0")
            if len(listing) > MAX_FILES:
                raise InputInvalid(f"the commit has more than {MAX_FILES} files")
            self._entries = [_entry(line) for line in listing if line]
            self._executables = frozenset(_entry(line).path for line in listing if line.startswith(b"100755 "))
        return self._entries

    @property
    def executables(self) -> frozenset[str]:
        """The paths of files that may be executed, once entries() was asked for."""
        return self._executables

    def read(self, entry: Entry) -> bytes:
        """The content of a file; MirrorBroken when the mirror lacks it, InputInvalid when it is too large."""
        if entry.kind != "file" or entry.size > MAX_ASSET:
            raise InputInvalid(f"{entry.path!r} is not a file that can be read")
        try:
            _, _, _, data = self._started.get_object_data(entry.blob)
        except (ValueError, OSError) as cause:
            raise MirrorBroken(f"the mirror has no object {entry.blob}, or git stopped answering") from cause
        if len(data) != entry.size:
            raise MirrorBroken(f"object {entry.blob} has {len(data)} bytes, not the {entry.size} of the tree")
        return data

    def _listing(self) -> bytes:
        process = self._started.ls_tree("-r", "-z", "-l", "--full-tree", self._revision, as_process=True)
        if process.proc is None or process.proc.stdout is None:
            raise GuruError("git was started without pipes")
        self._lister = process.proc
        listing: bytes = process.proc.stdout.read(MAX_LISTING + 1)
        if len(listing) > MAX_LISTING:
            process.proc.kill()
            raise InputInvalid(f"the list of the commit's files is longer than {MAX_LISTING} bytes")
        failed = process.proc.wait(self._patience)
        if self._late:                  # trees within trees can make a listing that never ends
            raise InputInvalid(f"the commit's files could not be listed within {self._patience:g} seconds")
        if failed:
            raise MirrorBroken(f"the mirror cannot list the files of {self._revision}")
        return listing

    def _give_up(self) -> None:
        self._late = True
        self.close()

    @property
    def _started(self) -> Git:
        if self._git is None:
            raise GuruError("a GitTree is read inside its `with`")
        return self._git


def _plumbing(repository: Path) -> Git:
    """GitPython's command object; imported late, because importing it without a git on PATH is an error."""
    try:
        from git.cmd import Git
    except ImportError as cause:
        raise Unsupported("git is not installed on the server", hint="apt install git") from cause
    git = Git(str(repository))
    git.update_environment(**environment(repository))
    return git


def _entry(line: bytes) -> Entry:
    """One line of `ls-tree -l -z`: mode SP type SP object SP+ size TAB path."""
    meta, _, path = line.partition(b"\t")
    mode, kind, blob, size = meta.split()
    return Entry(
        path=path.decode("utf-8", "surrogateescape"),
        kind="submodule" if kind == b"commit" else _KINDS.get(mode, "file"),
        size=int(size) if size != b"-" else 0,
        blob=blob.decode("ascii"),
    )
