"""A job of cron in a file of its own under /etc/cron.d. Looks and plans; never touches the machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints, model_validator

from guru_policy.host import Host
from guru_policy.machine import AccountName, EnvName, Line
from guru_policy.model import wrong
from guru_policy.quantities import shown
from guru_policy.resources.base import Resource
from guru_policy.resources.cron_schedule import CronSchedule
from guru_policy.resources.file import FileState, attributes_differ
from guru_policy.steps import Remove, SetAttributes, Step, WriteFile

# cron.d ignores files whose names hold dots (cron(8)).
JobName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}\z")]
_MODE = 0o644


def _runnable(value: str) -> str:
    if not value.strip():
        raise wrong("the command is empty")
    if len(value) > 900:                # cron(8) of Debian reads 998 characters of a line and user name
        raise wrong("cron reads commands up to 900 characters", hint="bring a script with a file resource")
    return value


class CronJob(Resource[FileState]):
    """Keep one cron job, or keep it away. `%` in the command means a per cent sign, not cron's newline."""

    platforms = frozenset({"linux"})

    kind: Literal["cron_job"] = "cron_job"
    name: JobName
    schedule: CronSchedule | None = None
    user: AccountName = "root"
    command: Annotated[Line, AfterValidator(_runnable)] | None = None
    env: dict[EnvName, Line] = {}
    ensure: Literal["present", "absent"] = "present"

    @model_validator(mode="after")
    def _whole(self) -> CronJob:
        if self.ensure == "present" and (self.command is None or self.schedule is None):
            raise wrong("a cron job needs `schedule` and `command`", hint="such as `30 3 * * *` or `@daily`")
        for name, value in self.env.items():
            if '"' in value and "'" in value:
                raise wrong(f"{shown(name)} holds both kinds of quotes, which cron cannot read")
        return self

    @property
    def path(self) -> str:
        """The file that holds the job and nothing else."""
        return f"/etc/cron.d/guru-{self.name}"

    def content(self) -> bytes:
        """The file as cron reads it."""
        lines = ["# Managed by GuruRMM: changes made here are undone. Change the fleet repository."]
        for name, value in sorted(self.env.items()):
            quote = "'" if '"' in value else '"'
            lines.append(f"{name}={quote}{value}{quote}")
        command = (self.command or "").replace("%", "\\%")
        lines.append(f"{self.schedule} {self.user} {command}")
        return ("\n".join(lines) + "\n").encode()

    async def probe(self, host: Host) -> FileState:
        stat = await host.stat(self.path)
        ordinary = stat is not None and stat.type == "file"
        return FileState(stat, await host.digest(self.path) if ordinary else None)

    def plan(self, now: FileState) -> Iterator[Step]:
        if self.ensure == "absent":
            if now.stat is not None:
                yield Remove(self.path)
            return
        data = self.content()
        if now.stat is None or now.digest != hashlib.sha256(data).hexdigest():
            yield WriteFile(self.path, data, mode=_MODE, owner="root", group="root")
        elif attributes_differ(now.stat, _MODE, "root", "root"):
            yield SetAttributes(self.path, _MODE, "root", "root")
