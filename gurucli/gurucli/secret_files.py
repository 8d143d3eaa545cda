"""The Secrets of a fleet repository and the files they name, as they lie in a folder. It opens none of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from guru_policy.errors import Conflict, GuruError, InputInvalid, NotFound
from guru_policy.fleet import Fleet
from guru_policy.kinds.secret import MAX_SECRET, Secret
from guru_policy.loading import load
from guru_policy.objects.object import Object
from guru_policy.text.suggesting import did_you_mean
from guru_policy.tree import Entry
from gurucli.folder_tree import FolderTree, find_root


class Held(NamedTuple):
    """One Secret, and its file when it is there."""

    item: Object
    spec: Secret
    entry: Entry | None

    @property
    def name(self) -> str:
        """`customers/acme/office-psk`: scope and name."""
        return f"{self.item.key.scope}/{self.item.name}"


class Repository:
    """The Secrets of a folder."""

    def __init__(self, path: str) -> None:
        self.tree = FolderTree(Path(path) if path else find_root(Path.cwd()))
        self.fleet: Fleet = load(self.tree)
        self.entries = {entry.path: entry for entry in self.tree.entries()}
        self.secrets = [Held(item, spec, self.entries.get(spec.file)) for item, spec in self.fleet.secrets()]

    def chosen(self, scope: str, names: Sequence[str] = ()) -> list[Held]:
        """Those of a scope (`org`, `customers/acme`; all without) and of these names; NotFound when there is none."""
        scope = scope.strip("/")
        inside = [one for one in self.secrets if not scope or str(one.item.key.scope) == scope]
        found = [one for one in inside if not names or one.item.name in names or one.name in names]
        unknown = [name for name in names if not any(name in (one.item.name, one.name) for one in inside)]
        if unknown or not found:
            where = f" in {scope}" if scope else ""
            what = f"no Secret is called {unknown[0][:200]}{where}" if unknown else f"there is no Secret{where}"
            known = [one.item.name for one in inside] if unknown else sorted({str(one.item.key.scope)
                                                                             for one in self.secrets})
            raise NotFound(what, hint=did_you_mean(unknown[0] if unknown else scope, known)
                           or "`guru secrets recipients list` shows every Secret")
        return found

    def named(self, ref: str) -> Held:
        """The one Secret that a name, scope/name or the path of its file means; NotFound, or Conflict for several."""
        path = self._inside(ref)
        found = [one for one in self.secrets if ref in (one.item.name, one.name) or path == one.spec.file]
        if len(found) > 1:
            names = ", ".join(one.name for one in found[:5])
            raise Conflict(f"several Secrets are called {ref}: {names}", hint="write it with its scope")
        if not found:
            hint = did_you_mean(ref, [one.item.name for one in self.secrets]) or (
                "write the Secret object first; `guru explain Secret` tells how")
            raise NotFound(f"no Secret is called {ref[:200]}, and none names such a file", hint=hint)
        return found[0]

    def read(self, held: Held) -> bytes:
        """The encrypted file; NotFound when it is not there, InputInvalid when it can be none."""
        if held.entry is None:
            hint = f"guru secrets edit {held.name}"
            raise NotFound(f"{held.spec.file} is not there: {held.name} has no value yet", hint=hint)
        if held.entry.kind != "file" or held.entry.size > MAX_SECRET:
            raise InputInvalid(f"{held.spec.file} is no file of at most {MAX_SECRET:,} bytes")
        return self.tree.read(held.entry)

    def write(self, path: str, data: bytes) -> None:
        """The file with this content, whole or as it was; Conflict when the way there leads through a link."""
        target = self.tree.root / path
        if ".." in Path(path).parts or any(
            (self.tree.root / folder).is_symlink() for folder in (path, *map(str, Path(path).parents[:-1]))
        ):
            raise Conflict(f"{path} leads through a symbolic link, which is not followed", hint="put a folder there")
        fresh = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(data)
            if target.exists():
                fresh.chmod(target.stat().st_mode & 0o777)
            fresh.replace(target)
        except OSError as cause:
            fresh.unlink(missing_ok=True)
            raise GuruError(f"{target} cannot be written: {cause.strerror}") from cause

    def _inside(self, ref: str) -> str:
        """The path within the repository that a person means, from here or from its root; empty for neither."""
        here = Path(ref).absolute()
        for one in (here, self.tree.root / ref):
            try:
                return one.resolve().relative_to(self.tree.root).as_posix() if one.suffix == ".age" else ""
            except ValueError:
                continue
        return ""
