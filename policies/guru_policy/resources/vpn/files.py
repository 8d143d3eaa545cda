"""A VPN profile as files of a Linux program, and what that program is told. Looks and plans; touches nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from guru_policy.host import Host
from guru_policy.resources.file import attributes_differ
from guru_policy.resources.vpn.profile import Profile
from guru_policy.steps import Remove, Step, WriteFile


class Wanted(NamedTuple):
    """A file that should be so. `content` may hold secrets, so nothing prints it."""

    path: str
    content: bytes
    mode: int = 0o600

    def __repr__(self) -> str:
        return f"Wanted({self.path})"


class Found(NamedTuple):
    """Which files are not as wanted, which are there and not wanted, and whether it connects by itself."""

    different: tuple[Wanted, ...]
    stale: tuple[str, ...]
    enabled: bool | None = None


class Driver(Protocol):
    """One program that keeps profiles in files."""

    def paths(self, name: str) -> tuple[str, ...]:
        """Every file that a profile of this name may have."""
        ...

    async def files(self, profile: Profile, secrets: dict[str, str], host: Host) -> tuple[Wanted, ...]:
        """The files as they should be; of an absent profile only those that it shares with others."""
        ...

    async def enabled(self, host: Host, profile: Profile) -> bool | None:
        """Whether it connects by itself; None when that is in the files."""
        ...

    def before(self, profile: Profile) -> Iterator[Step]:
        """What the program is told before the files of an absent profile go."""
        ...

    def after(self, profile: Profile, *, changed: bool, enabled: bool | None) -> Iterator[Step]:
        """What the program is told after its files; nothing when nothing is to do."""
        ...


class AllInFiles:
    """What drivers share whose program finds in the files whether it connects, and needs no warning."""

    async def enabled(self, host: Host, profile: Profile) -> bool | None:
        """See Driver."""
        del host, profile
        return None

    def before(self, profile: Profile) -> Iterator[Step]:
        """See Driver."""
        del profile
        return iter(())


async def look(driver: Driver, profile: Profile, secrets: dict[str, str], host: Host) -> Found:
    """What is there of the profile."""
    wanted = await driver.files(profile, secrets, host)
    different = []
    for one in wanted:
        stat = await host.stat(one.path)
        ordinary = stat is not None and stat.type == "file"
        same = ordinary and await host.digest(one.path) == hashlib.sha256(one.content).hexdigest()
        if not same or stat is None or attributes_differ(stat, one.mode, "root", "root"):
            different.append(one)
    kept = {one.path for one in wanted}
    stale = [path for path in driver.paths(profile.name) if path not in kept and await host.stat(path) is not None]
    return Found(tuple(different), tuple(stale), await driver.enabled(host, profile))


def steps(driver: Driver, profile: Profile, found: Found) -> Iterator[Step]:
    """Write what differs, remove what is not wanted, then tell the program. No file with secrets is backed up."""
    if profile.ensure == "absent" and found.stale:
        yield from driver.before(profile)
    for path in found.stale:
        yield Remove(path, backup=False)
    for one in found.different:
        yield WriteFile(one.path, one.content, mode=one.mode, owner="root", group="root", backup=False)
    changed = bool(found.stale or found.different)
    yield from driver.after(profile, changed=changed, enabled=found.enabled)
