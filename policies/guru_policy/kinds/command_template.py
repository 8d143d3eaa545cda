"""A command people and schedules may run, with typed parameters. It runs nothing itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from guru_policy.host import Platform, Shell
from guru_policy.kinds.base import DisplayName, Spec
from guru_policy.machine import SourcePath, Text
from guru_policy.model import wrong
from guru_policy.quantities import Bytes, ItemId, PositiveDuration, shown

ParameterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
ScriptText = Annotated[str, StringConstraints(min_length=1, max_length=256 << 10)]
Choice = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Parameter(Spec):
    """One value that a run is given."""

    type: Literal["string", "integer", "boolean", "secret"] = Field(
        description="`secret` takes the name of a Secret and has no default")
    description: DisplayName | None = Field(default=None, description="what it is for")
    default: Annotated[str, StringConstraints(max_length=4000)] | int | bool | None = Field(
        default=None, description="without it the parameter must be given")
    choices: tuple[Choice, ...] = Field(
        default=(), max_length=100, description="of a string: the only values it may have")
    min: int | None = Field(default=None, description="of an integer: the least value")
    max: int | None = Field(default=None, description="of an integer: the greatest value")

    @model_validator(mode="after")
    def _makes_sense(self) -> Parameter:
        if self.choices and self.type != "string":
            raise wrong("`choices` belong to a string")
        if self.type != "integer" and (self.min is not None or self.max is not None):
            raise wrong("`min` and `max` belong to an integer")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise wrong("`min` is above `max`", hint="exchange them")
        if self.type == "secret" and self.default is not None:
            raise wrong("a secret has no default: it would stand here in plain text")
        if self.default is not None and (reason := self.refuses(self.default)):
            raise wrong(f"the default {reason}")
        return self

    def refuses(self, value: str | int | bool) -> str:
        """Why the value does not fit, as the end of a sentence; empty when it does."""
        wanted = {"string": str, "integer": int, "boolean": bool, "secret": str}[self.type]
        if isinstance(value, bool) != (wanted is bool) or not isinstance(value, wanted):
            return f"{shown(value)} is not {'an' if self.type == 'integer' else 'a'} {self.type}"
        if self.choices and value not in self.choices:
            return f"{shown(value)} is not one of {', '.join(self.choices)}"
        if isinstance(value, int) and self.min is not None and value < self.min:
            return f"{shown(value)} is below {self.min}"
        if isinstance(value, int) and self.max is not None and value > self.max:
            return f"{shown(value)} is above {self.max}"
        return ""


class Approval(Spec):
    """Somebody else has to agree first."""

    role: ItemId = Field(description="the Role of those who may agree")
    more_than: Annotated[int, Field(ge=0)] = Field(
        default=0, description="only for runs on more devices than this")


class CommandTemplate(Spec):
    """A script, who runs it, and how far it may go."""

    display_name: DisplayName | None = Field(default=None, description="a name for people")
    command_class: ItemId = Field(
        default="standard", alias="class", description="the class that a Role allows or denies, such as `danger`")
    os: tuple[Platform, ...] = Field(default=(), description="only on these systems; absent: wherever the shell is")
    shell: Shell = Field(description="what reads the script")
    script: ScriptText | None = Field(default=None, description="the script itself")
    source: SourcePath | None = Field(default=None, description="a file of the repository, in the place of `script`")
    params: dict[ParameterName, Parameter] = Field(
        default_factory=dict, max_length=40,
        description="by name; a run gets each as the environment variable `PARAM_<NAME>`, never pasted into the script")
    run_as: Literal["system", "user"] = Field(
        default="system", description="`system`: the agent's own account; `user`: who is signed in")
    timeout: Annotated[PositiveDuration, Field(le=86_400)] = Field(default=300, description="then it is ended")
    output: Annotated[Bytes, Field(ge=1, le=16 << 20)] = Field(
        default=64 << 10, description="how much of what it prints is kept, at most 16MiB")
    sandbox: Literal["none", "confined", "isolated"] = Field(
        default="none", description="`confined`: no new privileges, a private /tmp, the system read-only; "
                                    "`isolated`: no network either. Where there is none to be had, nothing runs")
    approval: Approval | None = Field(default=None, description="who has to agree before it runs")
    unless: Text | None = Field(
        default=None, description="a script of the same shell; when it ends with 0, it is so already and nothing runs")

    @model_validator(mode="after")
    def _one_script(self) -> CommandTemplate:
        if (self.script is None) == (self.source is None):
            raise wrong("give `script` (the text) or `source` (a file), and not both")
        windows = self.shell == "cmd"
        if windows and self.os and set(self.os) != {"windows"}:
            raise wrong("`cmd` is a shell of Windows only", hint="write os: [windows]")
        if self.sandbox != "none" and self.run_as == "user":
            raise wrong("a sandbox needs runAs: system")
        return self

    def sources(self) -> tuple[str, ...]:
        """Files of the repository that it needs."""
        return (self.source,) if self.source else ()
