"""Homebrew on a Mac. Looks and plans; never touches the machine.

Homebrew refuses to run as root, so it runs as the owner of its folder. `brew info --json=v2` gives `formulae`
(installed[].version, versions.stable, revision, pinned) and `casks` (installed, version); see "Querying brew" in
Homebrew's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.resources.packaging.program import TIMEOUT, Found, Wish
from guru_policy.steps import Step, change_system

_PLACES = ("/opt/homebrew/bin/brew", "/usr/local/bin/brew")


class _Keg(BaseModel):
    version: str


class _Versions(BaseModel):
    stable: str | None = None


class _Formula(BaseModel):
    installed: Annotated[tuple[_Keg, ...], Field(max_length=1000)] = ()
    versions: _Versions = _Versions()
    revision: int = 0
    pinned: bool = False


class _Cask(BaseModel):
    installed: str | None = None
    version: str | None = None


class _Info(BaseModel):
    formulae: tuple[_Formula, ...] = ()
    casks: tuple[_Cask, ...] = ()


class Brew:
    """`brew`, as the user who owns it."""

    holds_block = True

    async def look(self, host: Host, wish: Wish) -> Found:
        """See Program."""
        if wish.version is not None:
            raise CannotLook("Homebrew has one version of a package", hint="name a versioned formula, such as node@22")
        program = await self._program(host)
        done = await host.run((*program, "info", "--json=v2", wish.name), timeout=120.0)
        if done.exit_code != 0:
            raise CannotLook(f"brew info failed: {done.stderr.strip()[-200:]}")
        try:
            info = _Info.model_validate_json(done.stdout)
        except ValidationError as cause:
            raise CannotLook("brew info does not answer in the form of --json=v2") from cause
        for one in info.formulae[:1]:
            suffix = f"_{one.revision}" if one.revision else ""
            newest = f"{one.versions.stable}{suffix}" if one.versions.stable else None
            return Found(one.installed[-1].version if one.installed else None, one.pinned, newest, program=program)
        for cask in info.casks[:1]:
            return Found(cask.installed, False, cask.version, program=program)
        raise CannotLook(f"Homebrew does not know {wish.name}")

    async def _program(self, host: Host) -> tuple[str, ...]:
        for place in _PLACES:
            stat = await host.stat(place)
            if stat is not None and stat.owner != "root":
                return ("sudo", "-n", "-H", "-u", stat.owner, place)
        raise CannotLook("there is no Homebrew on this machine that a user owns")

    def same(self, wanted: str, found: str) -> bool:
        """See Program."""
        return wanted == found

    def install(self, now: Found, wish: Wish) -> Iterator[Step]:
        """See Program."""
        verb = "install" if now.version is None else "upgrade"
        yield change_system(*now.program, verb, "--quiet", wish.name, timeout=TIMEOUT)

    def remove(self, now: Found, wish: Wish) -> Iterator[Step]:
        """See Program. `--zap` takes a cask's files of users too."""
        yield change_system(
            *now.program, "uninstall", *(("--zap",) if wish.purge else ()), wish.name, timeout=TIMEOUT
        )

    def hold(self, now: Found, name: str, held: bool) -> Iterator[Step]:
        """See Program."""
        yield change_system(*now.program, "pin" if held else "unpin", name)
