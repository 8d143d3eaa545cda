"""Fedora's and Red Hat's dnf and rpm. Looks and plans; never touches the machine.

`dnf versionlock list` prints NAME-EPOCH:VERSION-RELEASE.* with dnf 4 (its plugin's manual page, versionlock in
dnf-plugins-core) and blocks that begin with `Package name: NAME` with dnf 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.resources.packaging.program import TIMEOUT, Found, Wish
from guru_policy.steps import Step, change_system

_EVR = "%{EPOCHNUM}:%{VERSION}-%{RELEASE}\\n"
_AVAILABLE = "--qf=%{epoch}:%{version}-%{release}\\n"


class Dnf:
    """`rpm` to look, `dnf` to change; holding takes its versionlock plugin."""

    holds_block = True

    async def look(self, host: Host, wish: Wish) -> Found:
        """See Program."""
        looked = await host.run(("rpm", "-q", "--qf", _EVR, wish.name), env={"LC_ALL": "C"})
        lines = [line for line in looked.stdout.splitlines() if re.match(r"\d+:\S+-\S+\Z", line)]
        if looked.exit_code == 0 and not lines:
            raise CannotLook(f"rpm does not say which version of {wish.name} is installed")
        if looked.exit_code != 0 and "is not installed" not in looked.stdout:
            raise CannotLook(f"rpm failed: {looked.stderr.strip()[:200]}")
        version = lines[-1] if looked.exit_code == 0 else None
        held = version is not None and await self._held(host, wish)
        return Found(version, held, await self._candidate(host, wish))

    async def _held(self, host: Host, wish: Wish) -> bool:
        if wish.hold is None and wish.version is None and wish.ensure == "present":
            return False
        locks = await host.run(("dnf", "-q", "-C", "versionlock", "list"), env={"LC_ALL": "C"}, timeout=60.0)
        name = re.escape(wish.name)
        return re.search(rf"^(?:{name}-\d+:|Package name: {name}$)", locks.stdout, re.MULTILINE) is not None

    async def _candidate(self, host: Host, wish: Wish) -> str | None:
        if wish.ensure != "latest":
            return None
        argv = ("dnf", "-q", "repoquery", "--latest-limit=1", _AVAILABLE, wish.name)
        found = (await host.run(argv, timeout=120.0)).stdout.split()
        return found[-1] if found else None

    def same(self, wanted: str, found: str) -> bool:
        """See Program. People leave out an epoch of 0, and often the release."""
        epoch, _, rest = found.rpartition(":")
        wanted_epoch, _, wanted_rest = wanted.rpartition(":")
        epochs = (wanted_epoch or "0") == (epoch or "0") or not wanted_epoch
        return epochs and wanted_rest in (rest, rest.rpartition("-")[0])

    def install(self, now: Found, wish: Wish) -> Iterator[Step]:
        """See Program."""
        if wish.version is not None:
            yield _dnf("install", f"{wish.name}-{wish.version}")
        else:
            yield _dnf("install" if now.version is None else "upgrade", wish.name)

    def remove(self, now: Found, wish: Wish) -> Iterator[Step]:
        """See Program. rpm keeps no configuration of its own to purge."""
        del now
        yield _dnf("remove", "--noautoremove", wish.name)

    def hold(self, now: Found, name: str, held: bool) -> Iterator[Step]:
        """See Program."""
        del now
        yield change_system("dnf", "-q", "versionlock", "add" if held else "delete", name)


def _dnf(verb: str, *words: str) -> Step:
    return change_system("dnf", verb, "-y", "-q", *words, timeout=TIMEOUT)
