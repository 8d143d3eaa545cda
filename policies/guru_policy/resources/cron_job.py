"""A job of cron, in a file of its own under /etc/cron.d. Looks and plans; never touches the machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, StringConstraints, model_validator

from guru_policy.host import Host
from guru_policy.machine_names import OneLine, UserName
from guru_policy.model import wrong
from guru_policy.resources.base import Resource
from guru_policy.resources.file import File, FileState
from guru_policy.steps import Step

HEADER = "# Kept by GuruRMM: changes made here are undone. Change the fleet repository instead.\n"
SHORTHANDS = frozenset(
    {"@reboot", "@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"}
)
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
# crontab(5): minute, hour, day of month, month, day of week (0 and 7 are Sunday)
FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minute", 0, 59, []), ("hour", 0, 23, []), ("day of month", 1, 31, []),
    ("month", 1, 12, MONTHS), ("day of week", 0, 7, DAYS),
)


def _schedule(text: str) -> str:
    if text in SHORTHANDS:
        return text
    parts = text.split()
    if len(parts) != len(FIELDS):
        raise wrong(f"{text!r} is not a schedule of cron", hint="write five fields, as 15 3 * * *, or @daily")
    for part, (name, low, high, names) in zip(parts, FIELDS, strict=True):
        for piece in part.split(","):
            if not _fits(piece, low, high, names):
                hint = f"{low} to {high}, *, a range 1-5 or steps */15"
                raise wrong(f"{piece!r} is not a {name}", hint=hint)
    return " ".join(parts)


def _fits(piece: str, low: int, high: int, names: list[str]) -> bool:
    found = re.fullmatch(r"(\*|(\w+)(?:-(\w+))?)(?:/(\d{1,3}))?", piece, re.ASCII)
    if not found or (found[4] and not 1 <= int(found[4]) <= high):
        return False
    ends = [_number(word, low, names) for word in (found[2], found[3]) if word]
    fitting = [end for end in ends if end is not None and low <= end <= high]
    return len(fitting) == len(ends) and fitting == sorted(fitting)


def _number(word: str, low: int, names: list[str]) -> int | None:
    if word.isdigit():
        return int(word)
    return names.index(word.lower()) + low if word.lower() in names else None


class CronJob(Resource[FileState]):
    """Keep a cron job under /etc/cron.d/guru-NAME, or keep it away."""

    kind: Literal["cron_job"] = "cron_job"
    name: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]{1,60}$")]    # cron(8) skips other names
    ensure: Literal["present", "absent"] = "present"
    schedule: Annotated[str, AfterValidator(_schedule)] | None = None
    command: OneLine | None = None
    user: UserName = "root"
    env: dict[Annotated[str, StringConstraints(pattern="^[A-Za-z_][A-Za-z0-9_]*$")], OneLine] = {}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.ensure == "present" and not (self.schedule and self.command):
            raise wrong("a cron job needs a schedule and a command")
        return self

    async def probe(self, host: Host) -> FileState:
        """What stands in the job's file."""
        return await self._file().probe(host)

    def plan(self, now: FileState) -> Iterator[Step]:
        """Write or remove the job's file."""
        return self._file().plan(now)

    def _file(self) -> File:
        path = f"/etc/cron.d/guru-{self.name}"
        if self.ensure == "absent":
            return File(path=path, ensure="absent")
        return File.model_construct(path=path, ensure="present", content=self._text(), mode=0o644)

    def _text(self) -> str:
        """crontab(5): % is a newline unless escaped; the file ends with a newline."""
        command = (self.command or "").replace("\\%", "%").replace("%", "\\%")
        lines = [f"{name}={value}\n" for name, value in sorted(self.env.items())]
        return "".join([HEADER, *lines, f"{self.schedule} {self.user} {command}\n"])
