"""A setting of the kernel, now and after the next boot. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, StringConstraints, model_validator

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.machine import Line
from guru_policy.model import wrong
from guru_policy.resources.base import Resource
from guru_policy.steps import Remove, Step, WriteFile, change_system


def _number(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _words(value: str) -> str:
    words = " ".join(value.split())
    if not words:
        raise wrong("the value is empty")
    return words


SettingName = Annotated[str, StringConstraints(
    pattern=r"^[a-z][a-z0-9_-]{0,63}(\.[A-Za-z0-9_:@-]{1,64}){1,8}\z")]
"""With dots between its parts, such as net.ipv4.ip_forward; no part holds a dot."""

Setting = Annotated[Line, BeforeValidator(_number, json_schema_input_type=str | int), AfterValidator(_words)]


class SysctlState(NamedTuple):
    """`value` is what the kernel has, None under a sandbox root; `kept` is the file's content."""

    value: str | None
    kept: bytes | None


class Sysctl(Resource[SysctlState]):
    """Keep a kernel setting. `absent` takes it out of what is set at boot, and leaves the kernel as it is."""

    platforms = frozenset({"linux"})

    kind: Literal["sysctl"] = "sysctl"
    name: SettingName
    value: Setting | None = None
    persist: bool = True                # also set it at boot
    ensure: Literal["present", "absent"] = "present"

    @model_validator(mode="after")
    def _whole(self) -> Sysctl:
        if self.ensure == "present" and self.value is None:
            raise wrong("a setting needs a `value`")
        return self

    @property
    def path(self) -> str:
        """The file that holds the setting and nothing else, read at boot (sysctl.d(5))."""
        return f"/etc/sysctl.d/99-guru-{self.name}.conf"

    async def probe(self, host: Host) -> SysctlState:
        kept = await host.read(self.path)
        if self.ensure == "absent" or host.root:
            return SysctlState(None, kept)
        value = await host.read("/proc/sys/" + self.name.replace(".", "/"))
        if value is None:
            raise CannotLook(f"this kernel has no setting {self.name}", hint="is the module loaded that brings it?")
        return SysctlState(" ".join(value.decode(errors="replace").split()), kept)

    def plan(self, now: SysctlState) -> Iterator[Step]:
        content = f"{self.name} = {self.value}\n".encode()
        if self.ensure == "absent" or not self.persist:
            if now.kept is not None:
                yield Remove(self.path)
        elif now.kept != content:
            yield WriteFile(self.path, content, mode=0o644, owner="root", group="root")
        if self.ensure == "present" and now.value is not None and now.value != self.value:
            yield change_system("sysctl", "-q", "-w", f"{self.name}={self.value}")
