"""A folder sent to the server to be planned: names first, then only the contents it lacks. It changes
nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from guru_policy.errors import InputInvalid, PolicyInvalid, Unsupported
from guru_policy.tree import Entry
from gurucli.answers import Plan
from gurucli.client import Client
from gurucli.folder_tree import FolderTree
from gurucli.human import size

MAX_UPLOAD = 64 << 20                   # bytes; the server's own limit
ROUNDS = 4


def plan_folder(server: Client, tree: FolderTree, against: str | None = None) -> Plan:
    """The plan of a folder as it lies there, compared with what is in force or with the commit `against`.

    PolicyInvalid when it holds what cannot even be sent."""
    entries = tree.entries()
    _refuse_unsendable(tree, entries)
    files = {entry.path: entry.blob for entry in entries if entry.kind == "file"}
    by_blob = {entry.blob: entry for entry in entries if entry.kind == "file"}
    blobs: dict[str, str] = {}
    for _ in range(ROUNDS):
        plan = server.post(Plan, "/plans", {"files": files, "blobs": blobs, "against": against})
        if not plan["needs_blobs"]:
            return plan
        blobs |= _contents(tree, by_blob, plan["needs_blobs"])
    raise Unsupported("the server asks for the same contents again and again")


def _contents(tree: FolderTree, by_blob: Mapping[str, Entry], wanted: Sequence[str]) -> dict[str, str]:
    unknown = [blob for blob in wanted if blob not in by_blob]
    if unknown:
        raise Unsupported(f"the server asks for content {unknown[0][:40]!r} that this folder does not hold")
    total = sum(by_blob[blob].size for blob in wanted)
    if total > MAX_UPLOAD:
        largest = max((by_blob[blob] for blob in wanted), key=lambda entry: entry.size)
        raise InputInvalid(
            f"the server lacks {size(total)} of it and takes {size(MAX_UPLOAD)}; the largest is {largest.path}",
            hint="push a branch and plan its commit with --revision, or keep big files out",
        )
    return {blob: base64.b64encode(tree.read(by_blob[blob])).decode() for blob in wanted}


def _refuse_unsendable(tree: FolderTree, entries: Sequence[Entry]) -> None:
    """Links and submodules do not travel: where they are faults, say so here, as `guru validate` does."""
    if all(entry.kind == "file" for entry in entries):
        return
    from guru_policy.loading import load

    odd = {entry.path for entry in entries if entry.kind != "file"}
    faults = [fault for fault in load(tree).faults if fault.origin.path in odd]
    if faults:
        raise PolicyInvalid(faults)
