"""What is in force, as files: the list that an export begins with, then contents by blob id. Fields only grow."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from guru_policy.model import Asked, Carried

MAX_ASKED = 1_000                       # blobs of one request
Blob = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


class ExportedFile(Carried):
    """A file of the fleet repository; `revision` is the commit that it is in force from."""

    path: str
    blob: str                           # Git's object id of the content
    size: int                           # bytes
    executable: bool = False
    revision: str


class ExportedCustomer(Carried):
    """The pair of revisions in force for a customer; `note` says why its export is not all of that."""

    customer: str
    org_revision: str | None
    revision: str | None
    note: str = ""


class LeftOut(Carried):
    """Something in the repository that an export cannot hold, and why."""

    path: str
    reason: str


class Export(Carried):
    """One page of the files. `state` names what is in force: every page and content of one export has the same."""

    api_version: str = Field(default="guru/v1", alias="apiVersion")
    state: str
    base: str
    customers: tuple[ExportedCustomer, ...]
    left_out: tuple[LeftOut, ...] = ()
    items: tuple[ExportedFile, ...]
    total: int
    next: str | None = None


class ContentsRequest(Asked):
    """Which blobs of the export named by `state`."""

    state: str = Field(pattern=r"^[0-9a-f]{64}$")
    blobs: tuple[Blob, ...] = Field(min_length=1, max_length=MAX_ASKED)


class Contents(Carried):
    """Base64 by blob id: at least the first that was asked for, and as many more as one answer holds."""

    api_version: str = Field(default="guru/v1", alias="apiVersion")
    contents: dict[str, str]
