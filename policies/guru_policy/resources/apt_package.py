"""A Debian package, installed or absent, through apt. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
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
_KEEP_CONFIGURATION = ("--force-confdef", "--force-confold")
_QUIET = {"DEBIAN_FRONTEND": "noninteractive", "APT_LISTCHANGES_FRONTEND": "none"}


class PackageState(NamedTuple):
    """`version` is None when not installed; `candidate` is what apt would install, None when unknown."""

    version: str | None
    held: bool = False
    candidate: str | None = None
    interrupted: bool = False           # dpkg was killed half way and takes nothing new until it is mended


class AptPackage(Resource[PackageState]):
    """Keep a package installed (at a version, or at apt's newest), held or absent."""

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
        candidate = None
        if self.ensure == "latest":
            policy = await host.run(("apt-cache", "policy", "--", self.name), env=_LOOK)
            found = [line.split(":", 1)[1].strip() for line in policy.stdout.splitlines() if "Candidate:" in line]
            candidate = found[0] if found and found[0] != "(none)" else None
        now = PackageState(version, held, candidate)
        if not any(self.plan(now)):
            return now
        audit = await host.run(("dpkg", "--audit"), env=_LOOK)
        return now._replace(interrupted=bool(audit.stdout.strip()))

    def plan(self, now: PackageState) -> Iterator[Step]:
        steps = list(self._steps(now))
        if steps and now.interrupted:
            yield change_system("dpkg", *_KEEP_CONFIGURATION, "--configure", "-a", timeout=_TIMEOUT, env=_QUIET)
        yield from steps

    def _steps(self, now: PackageState) -> Iterator[Step]:
        if self.ensure == "absent":
            if now.version is not None:
                yield _apt("remove", self.name)
            return
        wanted = self.version or (now.candidate if self.ensure == "latest" else None)
        held = now.held
        if now.version is None or (wanted is not None and now.version != wanted):
            # Mirrors drop old versions, so a list of yesterday may name a file that is gone. Sources that do not
            # answer are for the installation to mind.
            yield replace(_apt("update"), required=False)
            yield _apt("install", f"{self.name}={self.version}" if self.version else self.name)
            held = False                # apt forgets the hold of what it replaces
        hold = now.held if self.hold is None else self.hold
        if hold != held:
            yield change_system("apt-mark", "hold" if hold else "unhold", self.name)


def _apt(verb: str, package: str = "") -> Execute:
    argv = ["apt-get", verb, "-y", "-q", "-o", "DPkg::Lock::Timeout=120"]
    if verb == "install":
        argv += ["--no-install-recommends", "--allow-downgrades"]
        argv += [word for option in _KEEP_CONFIGURATION for word in ("-o", f"Dpkg::Options::={option}")]
    if verb != "update":
        argv += ["--allow-change-held-packages"]
    if package:
        argv += ["--", package]
    return change_system(*argv, timeout=_TIMEOUT, env=_QUIET)
