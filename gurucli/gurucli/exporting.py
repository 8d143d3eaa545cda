"""What is in force at a server, as files: the list first, then contents, each checked. It writes nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from guru_policy.errors import Unsupported
from guru_policy.tree import MAX_ASSET, MAX_FILES, git_blob_id
from gurucli.answers import DeviceRow
from gurucli.answers_exporting import Contents, Export, ExportedCustomer, ExportedFile, LeftOut
from gurucli.client import Client
from gurucli.human import size
from gurucli.tree_paths import refuse_odd_paths

INVENTORY = ".guru/inventory.json"
MAX_TOTAL = 8 << 30                     # bytes of all files
ASKED = 500                             # blobs of one request
ROOM = 32 << 20                         # bytes that are asked for at once


class Exported(NamedTuple):
    """The list of one export."""

    state: str
    base: str
    customers: Sequence[ExportedCustomer]
    left_out: Sequence[LeftOut]
    files: Sequence[ExportedFile]

    @property
    def whole(self) -> bool:
        """Whether the files are all that is in force."""
        return not any(one["note"] for one in self.customers)


def exported(server: Client) -> Exported:
    """The list. Refused for a path that may not be written, Unsupported for an answer that makes no sense."""
    first = page = server.get(Export, "/exports")
    files: list[ExportedFile] = []
    while True:
        if page["state"] != first["state"]:
            raise Unsupported("the pages of the export are not of one state", hint="export again")
        files += (_checked(file) for file in page["items"])
        if len(files) > MAX_FILES:
            raise Unsupported(f"the export has more than {MAX_FILES:,} files")
        cursor = page.get("next")
        if not cursor:
            break
        if not page["items"]:
            raise Unsupported("the server's list of files has no end")
        page = server.get(Export, "/exports", cursor=cursor)
    total = sum(file["size"] for file in files)
    if total > MAX_TOTAL:
        raise Unsupported(f"the export holds {size(total)}, and at most {size(MAX_TOTAL)} are taken")
    refuse_odd_paths(file["path"] for file in files)
    return Exported(first["state"], first["base"], first["customers"], first["left_out"], files)


def contents(server: Client, state: str, files: Sequence[ExportedFile]) -> Iterator[tuple[str, bytes]]:
    """Blob id and content, each once, some megabytes at a time; Unsupported when one is not what its id says."""
    sizes = {file["blob"]: file["size"] for file in files}
    waiting = list(sizes)
    while waiting:
        asked = _some(waiting, sizes)
        answer = server.post(Contents, "/exports/contents", {"state": state, "blobs": asked})
        found = {blob: text for blob, text in answer["contents"].items() if blob in asked}
        if not found:
            raise Unsupported("the server gives none of the contents that it listed", hint="export again")
        for blob, text in found.items():
            yield blob, _content(blob, text, sizes[blob])
        waiting = [blob for blob in waiting if blob not in found]


def inventory(server: Client) -> bytes:
    """The devices with place, technicians' labels and facts, as `guru render --inventory` reads them."""
    rows = [
        {
            "id": row["id"], "name": row["name"], "customer": row["customer"], "site": row["site"],
            "labels": {key: value for key, value in sorted(row["labels"].items()) if not key.startswith("git/")},
        }
        for row in sorted(server.devices(), key=_place)
    ]
    return (json.dumps({"items": rows}, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _place(row: DeviceRow) -> tuple[str, str, str]:
    return row["customer"], row["site"], row["name"]


def _checked(file: object) -> ExportedFile:
    """A file of the list; Unsupported when it is none."""
    if isinstance(file, dict):
        path, blob, length = file.get("path"), file.get("blob"), file.get("size")
        whole = isinstance(path, str) and isinstance(blob, str) and isinstance(file.get("revision"), str)
        if whole and isinstance(length, int) and not isinstance(length, bool) and 0 <= length <= MAX_ASSET:
            return cast("ExportedFile", file | {"executable": file.get("executable") is True})
    raise Unsupported("the server's list of files holds something that is no file")


def _some(waiting: Sequence[str], sizes: dict[str, int]) -> list[str]:
    chosen: list[str] = []
    room = ROOM
    for blob in waiting[:ASKED]:
        room -= sizes[blob]
        if chosen and room < 0:
            break
        chosen.append(blob)
    return chosen


def _content(blob: str, text: object, length: int) -> bytes:
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError) as cause:
        raise Unsupported("a content of the export is not base64") from cause
    if len(data) != length or git_blob_id(data) != blob:
        raise Unsupported(f"the content {blob[:40]} is not what its id says", hint="export again")
    return data
