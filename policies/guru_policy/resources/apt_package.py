"""A Debian package, installed, pinned or away. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import model_validator

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.machine_names import PackageName, PackageVersion
from guru_policy.model import wrong
from guru_policy.resources.base import Resource
from guru_policy.steps import Step, execute

QUIET = {"DEBIAN_FRONTEND": "noninteractive", "APT_LISTCHANGES_FRONTEND": "none"}
KEEP_CONFIGURATION = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
INSTALL_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class PackageState:
    """`version` is None when the package is not fully installed."""

    version: str | None
    held: bool


class AptPackage(Resource[PackageState]):
    """Keep a package installed, at one version if need be, or keep it away."""

    kind: Literal["apt_package"] = "apt_package"
    name: PackageName
    ensure: Literal["present", "absent"] = "present"
    version: PackageVersion | None = None
    hold: bool | None = None            # None: leave the hold as we found it
    purge: bool = False                 # absent only: configuration files too

    @model_validator(mode="after")
    def _no_version_of_nothing(self) -> Self:
        if self.ensure == "absent" and (self.version or self.hold):
            raise wrong("an absent package has no version and no hold", hint="take one of the two lines out")
        return self

    async def probe(self, host: Host) -> PackageState:
        """Version and hold, from dpkg's own database."""
        found = await host.run(("dpkg-query", "-W", "-f=${db:Status-Abbrev} ${Version}", self.name))
        if found.exit_code not in (0, 1):       # dpkg-query(1): 1 is "no such package"
            raise CannotLook(f"dpkg-query ended with {found.exit_code}: {found.stderr.strip()[:200]}")
        words = found.stdout.split()
        if found.exit_code or len(words) != 2 or words[0][1:2] != "i":
            return PackageState(version=None, held=False)
        return PackageState(version=words[1], held=words[0][0] == "h")

    def plan(self, now: PackageState) -> Iterator[Step]:
        """Install, remove, hold. An existing configuration file is kept (dpkg's confold)."""
        if self.ensure == "absent":
            if now.version is not None:
                yield self._apt("purge" if self.purge else "remove", self.name)
            return
        wrong_version = self.version is not None and now.version != self.version
        if now.version is None or wrong_version:
            wanted = f"{self.name}={self.version}" if self.version else self.name
            yield self._apt("install", "--allow-downgrades", "--allow-change-held-packages", wanted)
        if self.hold is not None and (self.hold != now.held or (self.hold and wrong_version)):
            yield execute("apt-mark", "hold" if self.hold else "unhold", self.name)

    def _apt(self, *arguments: str) -> Step:
        return execute(
            "apt-get", "-y", "-q", "--no-install-recommends", *KEEP_CONFIGURATION, *arguments,
            timeout=INSTALL_SECONDS, env=QUIET,
        )
