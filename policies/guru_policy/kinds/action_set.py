"""Entries of the tray's menu: what a device's user may start. Nothing else can, and it starts nothing itself."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, model_validator

from guru_policy.host import Platform, Shell
from guru_policy.kinds.base import DisplayName, SelectorText, Spec
from guru_policy.kinds.command_template import ScriptText
from guru_policy.kinds.notification_channel import Url
from guru_policy.machine import Argv, Line, SourcePath
from guru_policy.model import wrong
from guru_policy.pictures import Icon, files_of
from guru_policy.quantities import ItemId, PositiveDuration, shape, shown
from guru_policy.text.suggesting import did_you_mean

ACTION_SECTIONS = ("categories", "actions")
PLACEHOLDERS = ("customer", "device", "site")
_BRACES = re.compile(r"\{([^{}]*)\}")

ActionPath = Annotated[
    str, StringConstraints(pattern=r"^(categories|actions)(\.[A-Za-z0-9_-]+)*$", max_length=500),
    shape("path of a value"),
]
"""A path into the merged menu, such as `actions.restart-printing`."""

Timeout = Annotated[PositiveDuration, Field(le=3600)]


def _link(url: str) -> str:
    for word in _BRACES.findall(url):
        if word not in PLACEHOLDERS:
            raise wrong(f"{shown('{' + word + '}')} is not a placeholder", hint=did_you_mean(word, PLACEHOLDERS))
    return url


Link = Annotated[Url, AfterValidator(_link)]
"""A Url; `{device}`, `{customer}` and `{site}` are filled in."""


class Category(Spec):
    """A submenu."""

    label: DisplayName = Field(description="what the menu says")
    order: int = Field(default=0, ge=-1000, le=1000, description="lower ones come first, then by label")


class MenuEntry(Spec):
    """What every entry of the menu has."""

    elevates: ClassVar[bool] = False    # whether the type may run as the agent

    label: DisplayName = Field(description="what the menu says")
    category: ItemId | None = Field(default=None, description="the submenu it stands in, an id of `categories`")
    order: int = Field(default=0, ge=-1000, le=1000, description="lower ones come first, then by label")
    icon: Icon | None = Field(default=None, description="a picture in the repository, or an https address")
    os: tuple[Platform, ...] = Field(default=(), description="shown on these systems only; absent: on all")
    confirm: Line | None = Field(default=None, description="asked before it starts")
    pin: ItemId | None = Field(default=None, description="the Secret that holds the PIN asked for before it starts")
    elevate: bool = Field(
        default=False, description="run as the agent's own account, not as the user; for RunCommand, "
                                   "RestartService and RunScript")

    @model_validator(mode="after")
    def _may_elevate(self) -> MenuEntry:
        if self.elevate and not self.elevates:
            raise wrong("this type of entry cannot be elevated", hint="take `elevate` out")
        return self

    def sources(self) -> tuple[str, ...]:
        """Files of the repository that it needs."""
        return files_of(self.icon)


class RunCommand(MenuEntry):
    """Run one program; no shell reads its arguments."""

    elevates: ClassVar[bool] = True
    type: Literal["RunCommand"] = "RunCommand"
    command: Argv = Field(description="a list: program and arguments")
    timeout: Timeout = Field(default=60, description="then it is ended")


class RestartService(MenuEntry):
    """Restart a service of the machine, which needs the agent's rights."""

    elevates: ClassVar[bool] = True
    type: Literal["RestartService"] = "RestartService"
    service: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._@:-]{0,127}$")] = Field(
        description="the name of the service or unit")
    elevate: bool = Field(default=True, description="always true: a user may not restart services")
    timeout: Timeout = Field(default=60, description="then it has failed")

    @model_validator(mode="after")
    def _always_elevated(self) -> RestartService:
        if not self.elevate:
            raise wrong("a service cannot be restarted without the agent's rights", hint="take `elevate` out")
        return self


class OpenUrl(MenuEntry):
    """Open a page in the user's browser."""

    type: Literal["OpenUrl"] = "OpenUrl"
    url: Link = Field(description="where to; `{device}`, `{customer}` and `{site}` are filled in")


class RunScript(MenuEntry):
    """Run a script that the device carries along."""

    elevates: ClassVar[bool] = True
    type: Literal["RunScript"] = "RunScript"
    shell: Shell = Field(description="what reads the script")
    script: ScriptText | None = Field(default=None, description="the script itself")
    source: SourcePath | None = Field(default=None, description="a file of the repository, in the place of `script`")
    timeout: Timeout = Field(default=60, description="then it is ended")

    @model_validator(mode="after")
    def _one_script(self) -> RunScript:
        if (self.script is None) == (self.source is None):
            raise wrong("give `script` (the text) or `source` (a file), and not both")
        return self

    def sources(self) -> tuple[str, ...]:
        """The icon and the script's file."""
        return (*super().sources(), *((self.source,) if self.source else ()))


class SystemInfo(MenuEntry):
    """Built in: show name, addresses, versions and the support contacts."""

    type: Literal["SystemInfo"] = "SystemInfo"


class CreateTicket(MenuEntry):
    """Built in: a form that raises a ticket."""

    type: Literal["CreateTicket"] = "CreateTicket"


class Screenshot(MenuEntry):
    """Built in: a picture of the screen, shown to the user first, into a ticket."""

    type: Literal["Screenshot"] = "Screenshot"


class About(MenuEntry):
    """Built in: the About text and the versions."""

    type: Literal["About"] = "About"


ACTIONS: dict[str, type[MenuEntry]] = {
    "RunCommand": RunCommand, "RestartService": RestartService, "OpenUrl": OpenUrl, "RunScript": RunScript,
    "SystemInfo": SystemInfo, "CreateTicket": CreateTicket, "Screenshot": Screenshot, "About": About,
}
"""Every type of entry: an explicit list."""


class ActionSet(Spec):
    """Categories and actions are maps by id; layers complete them as they complete a Policy."""

    selector: SelectorText = Field(default="", description="only devices that match")
    enforced: tuple[ActionPath, ...] = Field(
        default=(), description="paths, such as `actions.ticket`, that no nearer ActionSet may change")
    categories: dict[ItemId, dict[str, JsonValue]] = Field(
        default={}, max_length=50, description="submenus by id: `label`, `order`")
    actions: dict[ItemId, dict[str, JsonValue]] = Field(
        default={}, max_length=200, description="by id: `type`, the fields of every action, and those of its type")
