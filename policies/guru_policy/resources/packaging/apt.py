"""Debian's apt and dpkg. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.resources.packaging.program import TIMEOUT, Found, Wish
from guru_policy.steps import Execute, Step, change_system

_LOOK = {"LC_ALL": "C"}
_FORMAT = "-f=${db:Status-Want} ${db:Status-Status} ${Version}\\n"
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
        if (version is not None and wish.ensure != "latest") or wish.ensure == "absent":
            return Found(version, held, residue=residue)
        policy = await host.run(("apt-cache", "policy", "--", wish.name), env=_LOOK)
        found = [line.split(":", 1)[1].strip() for line in policy.stdout.splitlines() if "Candidate:" in line]
        return Found(version, held, found[0] if found and found[0] != "(none)" else None)

    def same(self, wanted: str, found: str) -> bool:
        """See Program."""
        return wanted == found

    def install(self, now: Found, wish: Wish) -> Iterator[Step]:
        """See Program. Lists are refreshed first when apt does not know what is wanted."""
        if now.candidate is None or (wish.version is not None and now.candidate != wish.version):
            yield _apt("update")
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
        argv += ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"]
    if package:
        argv += ["--", package]
    return change_system(*argv, timeout=TIMEOUT, env=_QUIET)
