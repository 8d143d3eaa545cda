"""A task of the Windows task scheduler, or its absence. Looks and plans; never touches the machine.

Tasks stand in the folder \\GuruRMM. Get-ScheduledTask gives Actions (Execute, Arguments, WorkingDirectory),
Principal (UserId, RunLevel), Settings.Enabled and Triggers, whose class name tells their kind and StartBoundary,
DaysInterval or Repetition.Interval the rest (Microsoft's pages of the ScheduledTasks module).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from guru_policy import powershell
from guru_policy.host import Host
from guru_policy.machine import Line
from guru_policy.model import Carried, wrong
from guru_policy.powershell import listed, quoted
from guru_policy.quantities import PositiveDuration, shown
from guru_policy.resources.base import Resource
from guru_policy.steps import Step

FOLDER = "\\GuruRMM\\"
_ACCOUNTS = {"system": "SYSTEM", "local_service": "LOCAL SERVICE", "network_service": "NETWORK SERVICE"}
_DAYS = {
    "mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday",
    "sun": "Sunday",
}
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _program(value: str) -> str:
    if '"' in value or not value.strip():
        raise wrong(f"{shown(value)} is not a program", hint=r"such as C:\Tools\tool.exe, without quotes")
    return value


TaskName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}\z")]
Program = Annotated[Line, StringConstraints(min_length=1, max_length=260), AfterValidator(_program)]
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\z")]


class TaskState(Carried):
    """A task as the cmdlets tell it; `mark` is the description that we gave it."""

    program: str = ""
    arguments: str = ""
    account: str = ""
    enabled: bool = False
    triggers: tuple[str, ...] = ()
    mark: str = ""


class ScheduledTask(Resource[TaskState | None]):
    """Keep a task that runs at boot, at a time of day, or again and again."""

    platforms = frozenset({"windows"})

    kind: Literal["scheduled_task"] = "scheduled_task"
    name: TaskName
    program: Program | None = None
    arguments: Line = ""
    account: Literal["system", "local_service", "network_service"] = "system"
    at_boot: bool = False
    daily: Clock | None = None          # the machine's own time
    days: Annotated[tuple[Day, ...], Field(strict=False, max_length=7)] = ()        # none: every day
    every: Annotated[PositiveDuration, Field(ge=60, le=86_400)] | None = None
    enabled: bool = True
    ensure: Literal["present", "absent"] = "present"

    @model_validator(mode="after")
    def _whole(self) -> ScheduledTask:
        if self.ensure == "present" and self.program is None:
            raise wrong("a task needs a `program`")
        if self.ensure == "present" and not (self.at_boot or self.daily or self.every):
            raise wrong("nothing starts this task", hint="give `atBoot`, `daily` or `every`")
        if self.days and self.daily is None:
            raise wrong("days are for `daily`")
        return self

    async def probe(self, host: Host) -> TaskState | None:
        return await powershell.ask(host, self.look_script(), TaskState)

    def look_script(self) -> str:
        """The script that tells the task as JSON, or null."""
        return (
            f"$t = Get-ScheduledTask -TaskPath {quoted(FOLDER)} -TaskName {quoted(self.name)} "
            "-ErrorAction SilentlyContinue; if ($t) { $a = @($t.Actions)[0]; ConvertTo-Json -Compress @{ "
            "program = [string]$a.Execute; arguments = [string]$a.Arguments; account = [string]$t.Principal.UserId; "
            "enabled = [bool]$t.Settings.Enabled; mark = [string]$t.Description; "
            "triggers = @($t.Triggers | ForEach-Object { $_.CimClass.CimClassName }) } } else { 'null' }"
        )

    def plan(self, now: TaskState | None) -> Iterator[Step]:
        where = f"-TaskPath {quoted(FOLDER)} -TaskName {quoted(self.name)}"
        if self.ensure == "absent":
            if now is not None:
                yield powershell.tell(f"remove task {self.name}", f"Unregister-ScheduledTask {where} -Confirm:$false")
            return
        if now is not None and now == self._wanted(now):
            return
        arguments = f" -Argument {quoted(self.arguments)}" if self.arguments else ""
        off = "" if self.enabled else " -Disable"
        yield powershell.tell(
            f"put task {self.name}",
            f"$a = New-ScheduledTaskAction -Execute {quoted(self.program or '')}{arguments}",
            f"$t = @({', '.join(f'({trigger})' for trigger in self._triggers())})",
            f"$s = New-ScheduledTaskSettingsSet -StartWhenAvailable -MultipleInstances IgnoreNew{off}",
            f"Register-ScheduledTask {where} -Action $a -Trigger $t -Settings $s -Description {quoted(self._mark())} "
            f"-User {quoted(_ACCOUNTS[self.account])} -Force | Out-Null",
        )

    def _triggers(self) -> Iterator[str]:
        if self.at_boot:
            yield "New-ScheduledTaskTrigger -AtStartup"
        if self.daily is not None:
            days = tuple(_DAYS[day] for day in dict.fromkeys(self.days))
            when = f"-Weekly -DaysOfWeek {listed(days)}" if days else "-Daily"
            yield f"New-ScheduledTaskTrigger {when} -At {quoted(self.daily)}"
        if self.every is not None:
            yield (
                "New-ScheduledTaskTrigger -Once -At '00:00' "
                f"-RepetitionInterval (New-TimeSpan -Seconds {self.every})"
            )

    def _wanted(self, now: TaskState) -> TaskState:
        """How Windows would tell the task; names compare without case, and the account as Windows shortens it."""
        kinds = []
        if self.at_boot:
            kinds.append("MSFT_TaskBootTrigger")
        if self.daily is not None:
            kinds.append("MSFT_TaskWeeklyTrigger" if self.days else "MSFT_TaskDailyTrigger")
        if self.every is not None:
            kinds.append("MSFT_TaskTimeTrigger")
        program = now.program if now.program.lower() == (self.program or "").lower() else self.program or ""
        return TaskState(
            program=program, arguments=self.arguments, account=_ACCOUNTS[self.account], enabled=self.enabled,
            triggers=tuple(kinds), mark=self._mark(),
        )

    def _mark(self) -> str:
        """Differs when anything of the task does: times of day are compared by it."""
        return f"Managed by GuruRMM {hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]}"
