"""A package of whatever the machine installs packages with. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import StringConstraints, model_validator

from guru_policy.host import Host, Platform
from guru_policy.model import wrong
from guru_policy.resources.base import Resource
from guru_policy.resources.packaging import PLATFORM_OF, PROGRAMS, Found, ManagerName, Wish, manager_of, steps_to
from guru_policy.steps import Step

AnyPackageName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+/@:-]{0,200}\z")]
AnyVersion = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+:~^-]{0,127}\z")]


class PackageState(NamedTuple):
    """What was found, and with which program."""

    manager: ManagerName
    found: Found


class Package(Resource[PackageState]):
    """Keep a package installed (any version, one, or the newest), held or absent."""

    platforms = frozenset({"linux", "macos", "windows"})

    kind: Literal["package"] = "package"
    name: AnyPackageName
    names: dict[ManagerName, AnyPackageName] = {}       # where a manager calls it otherwise
    manager: ManagerName | None = None                  # None: the machine's own
    ensure: Literal["present", "absent", "latest"] = "present"
    version: AnyVersion | None = None
    hold: bool | None = None                            # None: leave the hold as we found it
    purge: bool = False                                 # absent only: configuration too

    @model_validator(mode="after")
    def _one_wish(self) -> Package:
        if self.version is not None and self.ensure != "present":
            raise wrong(f"version and `ensure: {self.ensure}` contradict each other", hint="keep one of them")
        if self.version is not None and self.manager == "brew":
            raise wrong("Homebrew has one version of a package", hint="name a versioned formula, such as node@22")
        if self.purge and self.ensure != "absent":
            raise wrong("purge is for `ensure: absent`")
        return self

    def served(self) -> frozenset[Platform]:
        """The platform of the manager that is named."""
        return self.platforms if self.manager is None else frozenset({PLATFORM_OF[self.manager]})

    async def probe(self, host: Host) -> PackageState:
        manager = self.manager or await manager_of(host)
        return PackageState(manager, await PROGRAMS[manager].look(host, self._wish(manager)))

    def plan(self, now: PackageState) -> Iterator[Step]:
        yield from steps_to(PROGRAMS[now.manager], self._wish(now.manager), now.found)

    def _wish(self, manager: ManagerName) -> Wish:
        return Wish(self.names.get(manager, self.name), self.ensure, self.version, self.hold, self.purge)
