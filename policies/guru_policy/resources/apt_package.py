"""A Debian package, installed or absent, through apt. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import StringConstraints, model_validator

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.model import wrong
from guru_policy.resources.base import Resource
from guru_policy.steps import Execute, Step, change_system

PackageName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.-]{1,127}(:[a-z0-9-]{1,20})?\z")]
"""A package, `:arch` allowed (Debian policy 5.6.7)."""

PackageVersion = Annotated[str, StringConstraints(pattern=r"^[0-9][A-Za-z0-9.+:~-]{0,127}\z")]
_LOOK = {"LC_ALL": "C"}
_FORMAT = "-f=${db:Status-Want} ${db:Status-Status} ${Version}\\n"
_TIMEOUT = 1800.0                       # seconds; slow mirrors and long post-install scripts
_QUIET = {"DEBIAN_FRONTEND": "noninteractive", "APT_LISTCHANGES_FRONTEND": "none"}


class PackageState(NamedTuple):
    """`version` is None when not installed; `candidate` is what apt would install, None when unknown."""

    version: str | None
    held: bool = False
    candidate: str | None = None


class AptPackage(Resource[PackageState]):
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

    async def probe(self, host: Host) -> PackageState:
        # dpkg-query exits with 1 and says nothing on stdout when it never heard of the package.
        looked = await host.run(("dpkg-query", "-W", _FORMAT, "--", self.name), env=_LOOK)
        if looked.exit_code > 1:
            raise CannotLook(f"dpkg-query failed: {looked.stderr.strip()[:200]}")
        words = looked.stdout.split("\n", 1)[0].split(" ")
        installed = len(words) == 3 and words[1] == "installed"
        version = words[2] if installed else None
        held = installed and words[0] == "hold"
        if (version is not None and self.ensure != "latest") or self.ensure == "absent":
            return PackageState(version, held)
        policy = await host.run(("apt-cache", "policy", "--", self.name), env=_LOOK)
        found = [line.split(":", 1)[1].strip() for line in policy.stdout.splitlines() if "Candidate:" in line]
        return PackageState(version, held, found[0] if found and found[0] != "(none)" else None)

    def plan(self, now: PackageState) -> Iterator[Step]:
        if self.ensure == "absent":
            if now.version is not None:
                yield _apt("remove", self.name)
            return
        wanted = self.version or (now.candidate if self.ensure == "latest" else None)
        if now.version is None or (wanted is not None and now.version != wanted):
            if now.candidate is None or (self.version is not None and now.candidate != self.version):
                yield _apt("update")
            yield _apt("install", f"{self.name}={self.version}" if self.version else self.name)
        if self.hold is not None and self.hold != now.held:
            yield change_system("apt-mark", "hold" if self.hold else "unhold", self.name)


def _apt(verb: str, package: str = "") -> Execute:
    argv = ["apt-get", verb, "-y", "-q", "-o", "DPkg::Lock::Timeout=120"]
    if verb == "install":
        argv += ["--no-install-recommends", "--allow-downgrades", "--allow-change-held-packages"]
        argv += ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"]
    if package:
        argv += ["--", package]
    return change_system(*argv, timeout=_TIMEOUT, env=_QUIET)
