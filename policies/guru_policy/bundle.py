"""What one device should look like, ready to send: plain data named by its own digest.

A bundle names no device, so that devices under the same layers share one. Who it is for stands in the
signed manifest (guru_wire.manifest).
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Literal

import orjson
from pydantic import JsonValue

from guru_policy.host import Sandbox, Shell
from guru_policy.model import Carried

Mode = Literal["enforce", "observe"]
LANGUAGE = 13                           # the language of bundles; guru_wire.version tells its history


class AgentSettings(Carried):
    """How the agent itself behaves. Times are whole seconds."""

    heartbeat: int = 60
    converge: int = 300                 # drift is looked for this often
    facts: int = 3600


class PlacedResource(Carried):
    """A resource in its place in the order. `spec` is the resource's own model, checked by both ends."""

    id: str
    kind: str
    mode: Mode = "enforce"
    after: tuple[str, ...] = ()
    spec: dict[str, JsonValue]


class PlacedCheck(Carried):
    """A check and how often it runs, in whole seconds."""

    id: str
    kind: str
    every: int
    spec: dict[str, JsonValue]

    @cached_property
    def json_bytes(self) -> bytes:
        """Its canonical bytes in a bundle. Thousands of bundles share a check: it is written once."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)


class PlacedCategory(Carried):
    """A submenu of the tray."""

    id: str
    label: str
    order: int = 0


class PlacedAction(Carried):
    """An entry of the tray's menu. `spec` holds the fields of its type that are set (`kinds.action_set`).

    A file of the repository stands in it by digest: `iconDigest`, and `digest` in the place of `source`.
    """

    id: str
    type: str
    spec: dict[str, JsonValue]


class PlacedWindow(Carried):
    """A time in which the device changes nothing. `zone` is a name of the IANA database, `duration` in seconds."""

    id: str
    cron: str | None = None
    start: str | None = None            # instead of `cron`: once
    duration: int
    zone: str


class PlacedInside(Carried):
    """A script that runs in a sandbox or not at all: its text, or the blob that it stands in."""

    sandbox: Sandbox
    script: str | None = None
    digest: str | None = None
    unless: str | None = None


class PlacedSchedule(Carried):
    """A command that the device runs by itself. `zone` is a name of the IANA database, times are in seconds.

    `script` is the text, or `digest` the blob that it stands in, unless it is `inside` a sandbox: an agent that knows
    of none finds nothing to run. `env` and `secrets` are by variable, as orders have them.
    """

    id: str
    cron: str
    zone: str
    jitter: int = 0
    missed: Literal["skip", "once"] = "skip"
    template: str
    shell: Shell
    script: str | None = None
    digest: str | None = None
    unless: str | None = None
    env: dict[str, str] = {}
    secrets: dict[str, str] = {}
    run_as: Literal["system", "user"] = "system"
    timeout: int
    output: int
    inside: PlacedInside | None = None  # since LANGUAGE 11


class PlacedQuery(Carried):
    """A query that the device asks itself `every` so many seconds; of a `snapshot` no history is kept."""

    id: str
    sql: str
    every: int
    snapshot: bool = False
    timeout: int = 30


class Bundle(Carried):
    """Everything one device should be. Resources stand in the order in which they are carried out.

    Categories and actions stand in the order of the menu. `branding` holds the fields of
    `kinds.branding.Branding` that are set, a picture of the repository by digest as `iconDigest`. `secrets` are those
    whose values come sealed beside the manifest; a fingerprint tells that a value changed, and never the value.
    """

    language: int
    agent: AgentSettings
    resources: tuple[PlacedResource, ...] = ()
    checks: tuple[PlacedCheck, ...] = ()
    blobs: tuple[str, ...] = ()         # sha256 hex of the files that all of it refers to, sorted
    categories: tuple[PlacedCategory, ...] = ()                 # since LANGUAGE 2, as what follows
    actions: tuple[PlacedAction, ...] = ()
    branding: dict[str, JsonValue] = {}
    secrets: dict[str, str] = {}        # name to keyed fingerprint of the value; since LANGUAGE 3
    windows: tuple[PlacedWindow, ...] = ()                      # since LANGUAGE 5, by id
    schedules: tuple[PlacedSchedule, ...] = ()                  # since LANGUAGE 9, by id
    queries: tuple[PlacedQuery, ...] = ()                       # since LANGUAGE 11, by id

    def to_bytes(self) -> bytes:
        """The canonical bytes: sorted keys, no spaces, UTF-8. Equal bundles have equal bytes."""
        document = self.model_dump(mode="json", exclude={"checks"})
        document["checks"] = [orjson.Fragment(check.json_bytes) for check in self.checks]
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def heartbeat_of(data: bytes) -> int:
    """The seconds between two heartbeats in the bytes of a bundle of our own."""
    return int(orjson.loads(data)["agent"]["heartbeat"])


def digest_of(data: bytes) -> str:
    """SHA-256 in hex: the name of every bundle and blob."""
    return hashlib.sha256(data).hexdigest()


def bundle_document(bundle: Bundle) -> dict[str, JsonValue]:
    """A bundle as people address it: agent; branding; secrets; everything else by id."""
    checks: dict[str, JsonValue] = {
        check.id: {**check.spec, "every": check.every} for check in bundle.checks
    }
    resources: dict[str, JsonValue] = {
        item.id: {**item.spec, "observe": item.mode == "observe", "after": list(item.after)}
        for item in bundle.resources
    }
    more: dict[str, JsonValue] = {
        "categories": {one.id: {"label": one.label, "order": one.order} for one in bundle.categories},
        "actions": {one.id: {**one.spec, "type": one.type} for one in bundle.actions},
        "branding": bundle.branding, "secrets": dict(bundle.secrets),
        "windows": {
            one.id: one.model_dump(mode="json", exclude={"id"}, exclude_none=True) for one in bundle.windows
        },
        "schedules": {
            one.id: one.model_dump(mode="json", exclude={"id"}, exclude_none=True) for one in bundle.schedules
        },
        "queries": {one.id: one.model_dump(mode="json", exclude={"id"}) for one in bundle.queries},
    }
    return {
        "agent": bundle.agent.model_dump(mode="json"), "checks": checks, "resources": resources,
        **{section: entries for section, entries in more.items() if entries},
    }
