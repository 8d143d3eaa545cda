"""What the state folder tells of an agent, running or not. It only reads."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from guru_agent.state.identity import Trusted
from guru_agent.state.spool import LOST
from guru_agent.state.store import open_for_reading, translated
from guru_wire.manifest import Manifest
from guru_wire.signing import Signed
from guru_wire.uplink import Report


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class LinkStatus(_Row):
    """The link as the agent last wrote it down. `since` is ms UTC."""

    state: str = "never"
    carrier: str = ""
    since: int = 0


class SpoolStatus(_Row):
    """What waits to be sent."""

    items: int
    bytes: int
    lost: int = 0                       # results ever lost for room


class Status(_Row):
    """`guru-agent status`. Fields are only added."""

    api_version: str = "guru/v1"
    device: str
    name: str
    customer: str
    site: str
    server: str
    link: LinkStatus
    serial: int
    revision: str
    last_run: Report | None
    spool: SpoolStatus

    def lines(self) -> Iterator[tuple[str, str]]:
        """Labels and values for people."""
        yield "device", f"{self.customer}/{self.site}/{self.name} ({self.device})"
        yield "server", self.server
        link = " ".join(word for word in (self.link.state, self.link.carrier) if word)
        yield "link", f"{link} since {_time(self.link.since)}" if self.link.since else link
        yield "state", f"serial {self.serial}, revision {self.revision[:12]}" if self.serial else "none yet"
        if self.last_run is None:
            yield "last run", "never"
        else:
            word = "converged" if self.last_run.converged else "not converged"
            yield "last run", f"{word} at {_time(self.last_run.finished_at)} ({self.last_run.cause})"
            if self.last_run.blocked:
                until = f" until {_time(self.last_run.blocked_until)}" if self.last_run.blocked_until else ""
                yield "blocked", f"nothing is changed{until}: maintenance window {', '.join(self.last_run.blocked)}"
            for one in self.last_run.resources:
                yield f"  {one.outcome.value}", f"{one.id} {one.message}".strip()
        lost = f"; {self.spool.lost} results were lost for room" if self.spool.lost else ""
        yield "spool", f"{self.spool.items} items, {self.spool.bytes} bytes{lost}"


def look(folder: Path, trusted: Trusted) -> Status:
    """How the agent stands; NotFound when it never ran."""
    store = open_for_reading(folder)
    try:
        with translated():
            items, size = store.sql.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM spool").fetchone()
        manifest = _manifest(store.fact("manifest"))
        last_run, link = store.fact("last_run"), store.fact("link")
        lost = int(store.fact(LOST) or 0)
    finally:
        store.close()
    return Status(
        device=trusted.device, name=trusted.name, customer=trusted.customer, site=trusted.site,
        server=trusted.url,
        link=LinkStatus.model_validate_json(link) if link else LinkStatus(),
        serial=manifest.serial if manifest else 0, revision=manifest.revision if manifest else "",
        last_run=Report.model_validate_json(last_run) if last_run else None,
        spool=SpoolStatus(items=items, bytes=size, lost=lost),
    )


def _manifest(text: str | None) -> Manifest | None:
    """For showing only: whoever acts on a manifest opens it with the state key."""
    if text is None:
        return None
    try:
        return Manifest.model_validate_json(Signed.model_validate_json(text).payload)
    except ValidationError:
        return None


def _time(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at / 1000))
