"""Debian's apt and dpkg. Looks and plans; never touches the machine.

A dpkg that was killed half way takes nothing new until it is mended (`dpkg --audit` tells), so mending comes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.resources.packaging.program import TIMEOUT, Found, Wish, steps_to
from guru_policy.steps import Execute, Step, change_system

_LOOK = {"LC_ALL": "C"}
_FORMAT = "-f=${db:Status-Want} ${db:Status-Status} ${Version}\\n"
_KEEP_CONFIGURATION = ("--force-confdef", "--force-confold")
_QUIET = {"DEBIAN_FRONTEND": "noninteractive", "APT_LISTCHANGES_FRONTEND": "none"}


class Apt:
    """`dpkg-query`, `apt-cache`, `apt-get` and `apt-mark`."""

    holds_block = False                 # --allow-change-held-packages

    async def look(self, host: Host, wish: Wish) -> Found:
        """See Program."""
        # dpkg-query exits with 1 and says nothing on stdout when it never heard of the package.
        looked = await host.run(("dpkg-query", "-W", _FORMAT, "--", wish.name), env=_LOOK)
        if looked.exit_code > 1:
            raise CannotLook(f"dpkg-query failed: {looked.stderr.strip()[:200]}")
        words = looked.stdout.split("\n", 1)[0].split(" ")
        installed = len(words) == 3 and words[1] == "installed"
        version = words[2] if installed else None
        held = installed and words[0] == "hold"
        residue = len(words) == 3 and words[1] == "config-files"
        candidate = await self._candidate(host, wish.name) if wish.ensure == "latest" else None
        now = Found(version, held, candidate, residue)
        if not any(steps_to(self, wish, now)):
            return now
        audit = await host.run(("dpkg", "--audit"), env=_LOOK)
        return now._replace(mending=(_MEND,)) if audit.stdout.strip() else now

    async def _candidate(self, host: Host, name: str) -> str | None:
        policy = await host.run(("apt-cache", "policy", "--", name), env=_LOOK)
        found = [line.split(":", 1)[1].strip() for line in policy.stdout.splitlines() if "Candidate:" in line]
        return found[0] if found and found[0] != "(none)" else None

    def same(self, wanted: str, found: str) -> bool:
        """See Program."""
        return wanted == found

    def install(self, now: Found, wish: Wish) -> Iterator[Step]:
        """See Program."""
        del now
        # Mirrors drop old versions, so a list of yesterday may name a file that is gone. Sources that do not
        # answer are for the installation to mind.
        yield replace(_apt("update"), required=False)
        yield _apt("install", f"{wish.name}={wish.version}" if wish.version else wish.name)

    def remove(self, now: Found, wish: Wish) -> Iterator[Step]:
        """See Program."""
        del now
        yield _apt("purge" if wish.purge else "remove", wish.name)

    def hold(self, now: Found, name: str, held: bool) -> Iterator[Step]:
        """See Program."""
        del now
        yield change_system("apt-mark", "hold" if held else "unhold", name)


def _apt(verb: str, package: str = "") -> Execute:
    argv = ["apt-get", verb, "-y", "-q", "-o", "DPkg::Lock::Timeout=120"]
    if package:
        argv += ["--allow-change-held-packages"]
    if verb == "install":
        argv += ["--no-install-recommends", "--allow-downgrades"]
        argv += [word for option in _KEEP_CONFIGURATION for word in ("-o", f"Dpkg::Options::={option}")]
    if package:
        argv += ["--", package]
    return change_system(*argv, timeout=TIMEOUT, env=_QUIET)


_MEND = change_system("dpkg", *_KEEP_CONFIGURATION, "--configure", "-a", timeout=TIMEOUT, env=_QUIET)
