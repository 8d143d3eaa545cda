"""A Debian package, installed or absent, through apt. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import StringConstraints, model_validator

from guru_policy.host import Host
from guru_policy.model import wrong
from guru_policy.resources.base import Resource
from guru_policy.resources.packaging.apt import Apt
from guru_policy.resources.packaging.program import Found, Wish, steps_to
from guru_policy.steps import Step

PackageName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.-]{1,127}(:[a-z0-9-]{1,20})?\z")]
"""A package, `:arch` allowed (Debian policy 5.6.7)."""

PackageVersion = Annotated[str, StringConstraints(pattern=r"^[0-9][A-Za-z0-9.+:~-]{0,127}\z")]


class AptPackage(Resource[Found]):
    """Keep a package installed (at a version, or at apt's newest), held or absent."""

    platforms = frozenset({"linux"})

    kind: Literal["apt_package"] = "apt_package"
    name: PackageName
    ensure: Literal["present", "absent", "latest"] = "present"
    version: PackageVersion | None = None
    hold: bool | None = None            # None: leave the hold as we found it

    @model_validator(mode="after")
    def _one_wish(self) -> AptPackage:
        if self.version is not None and self.ensure != "present":
            raise wrong(f"version and `ensure: {self.ensure}` contradict each other", hint="keep one of them")
        return self

    async def probe(self, host: Host) -> Found:
        return await Apt().look(host, self._wish())

    def plan(self, now: Found) -> Iterator[Step]:
        yield from steps_to(Apt(), self._wish(), now)

    def _wish(self) -> Wish:
        return Wish(self.name, self.ensure, self.version, self.hold)
