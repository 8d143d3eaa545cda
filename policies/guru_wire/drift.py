"""What `guru drift` shows: resources that differed without anybody having wanted it. Times are ms UTC."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from guru_policy.model import Carried
from guru_wire.overriding import OverrideRow


class DriftRow(Carried):
    """One resource of one device. `open`: it still differs, by the device's newest run.

    `corrective` was put right, or failed to be; `suppressed` is only observed. `times` counts runs, the newest
    at `at`; `steps` are what was, or would have been, done.
    """

    device: str
    name: str
    customer: str
    site: str
    resource: str
    kind: str
    change: Literal["corrective", "suppressed"]
    outcome: str
    open: bool
    at: int
    times: int = 1
    steps: tuple[str, ...] = ()
    message: str = ""


class Drift(Carried):
    """The rows since a moment, open ones first; cut at 10,000, and `total` counts all.

    `overrides` are in force: these devices differ from Git because somebody wants it. Cut at 1,000.
    """

    api_version: str = Field(default="guru/v1", alias="apiVersion")
    items: tuple[DriftRow, ...]
    total: int
    since: int
    overrides: tuple[OverrideRow, ...] = ()
