"""A job of macOS's launchd, loaded or absent. Looks and plans; never touches the machine.

`launchctl print system/LABEL` exits with 113 when there is no such service, and prints `state = running` and
`path = FILE` among its lines (launchctl(1), launchd.plist(5)).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, StringConstraints, model_validator

from guru_policy.errors import CannotLook
from guru_policy.host import FileStat, Host
from guru_policy.machine import AccountName, EnvName, Line, PathName
from guru_policy.model import wrong
from guru_policy.quantities import PositiveDuration
from guru_policy.resources.base import Resource
from guru_policy.resources.file import attributes_differ
from guru_policy.steps import Remove, Step, WriteFile, change_system

Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}(\.[A-Za-z0-9_-]{1,63}){1,8}\z")]
_NO_SUCH_SERVICE = 113


class JobState(NamedTuple):
    """The file of the job, and whether launchd has it loaded."""

    stat: FileStat | None
    digest: str | None
    loaded: bool


class LaunchdJob(Resource[JobState]):
    """Keep a job of the system loaded, as written here."""

    platforms = frozenset({"macos"})

    kind: Literal["launchd_job"] = "launchd_job"
    label: Label
    command: Annotated[tuple[Line, ...], Field(strict=False, min_length=1, max_length=256)] | None = None
    run_at_load: bool = False
    keep_alive: bool = False
    every: Annotated[PositiveDuration, Field(le=86_400 * 31)] | None = None
    hour: Annotated[int, Field(ge=0, le=23)] | None = None
    minute: Annotated[int, Field(ge=0, le=59)] | None = None
    user: AccountName | None = None     # None: root
    cwd: PathName | None = None
    env: dict[EnvName, Line] = {}
    ensure: Literal["present", "absent"] = "present"

    @model_validator(mode="after")
    def _whole(self) -> LaunchdJob:
        if self.label.startswith("com.apple."):
            raise wrong("com.apple is Apple's own", hint="begin with a domain of yours, such as com.example.backup")
        if self.ensure == "present" and self.command is None:
            raise wrong("a job needs a `command`")
        if self.ensure == "present" and self.command and not self.command[0].startswith("/"):
            raise wrong("launchd looks a program up in no PATH", hint="begin the command with an absolute path")
        if self.hour is not None and self.minute is None:
            raise wrong("an hour needs a `minute`", hint="launchd would run the job sixty times")
        return self

    @property
    def path(self) -> str:
        """The file that holds the job and nothing else."""
        return f"/Library/LaunchDaemons/{self.label}.plist"

    def content(self) -> bytes:
        """The property list."""
        job: dict[str, object] = {"Label": self.label, "ProgramArguments": list(self.command or ())}
        job |= {"RunAtLoad": self.run_at_load, "KeepAlive": self.keep_alive}
        if self.every is not None:
            job["StartInterval"] = self.every
        when = {"Hour": self.hour, "Minute": self.minute}
        if given := {name: number for name, number in when.items() if number is not None}:
            job["StartCalendarInterval"] = given
        for name, value in (("UserName", self.user), ("WorkingDirectory", self.cwd)):
            if value is not None:
                job[name] = value
        if self.env:
            job["EnvironmentVariables"] = dict(self.env)
        import plistlib  # 0.3 MB with its XML parser, on machines that never have such a job

        return plistlib.dumps(job, sort_keys=True)

    async def probe(self, host: Host) -> JobState:
        stat = await host.stat(self.path)
        ordinary = stat is not None and stat.type == "file"
        done = await host.run(("launchctl", "print", f"system/{self.label}"))
        if done.exit_code not in (0, _NO_SUCH_SERVICE):
            raise CannotLook(f"launchctl failed: {' '.join(done.stderr.split())[:200]}")
        return JobState(stat, await host.digest(self.path) if ordinary else None, done.exit_code == 0)

    def plan(self, now: JobState) -> Iterator[Step]:
        target = f"system/{self.label}"
        if self.ensure == "absent":
            if now.loaded:
                yield change_system("launchctl", "bootout", target)
            if now.stat is not None:
                yield Remove(self.path)
            return
        data = self.content()
        same = now.stat is not None and now.digest == hashlib.sha256(data).hexdigest()
        if same and now.stat is not None and attributes_differ(now.stat, 0o644, "root", "wheel"):
            same = False
        if now.loaded and not same:
            yield change_system("launchctl", "bootout", target)
        if not same:
            yield WriteFile(self.path, data, mode=0o644, owner="root", group="wheel")
        if not same or not now.loaded:
            yield change_system("launchctl", "bootstrap", "system", self.path)
