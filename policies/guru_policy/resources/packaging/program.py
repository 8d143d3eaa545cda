"""What every package program offers, and the steps that any of them takes. It names no program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, Protocol

from guru_policy.host import Host
from guru_policy.steps import Step

ManagerName = Literal["apt", "brew", "choco", "dnf", "winget"]
TIMEOUT = 1800.0                        # seconds; slow mirrors and long install scripts


class Wish(NamedTuple):
    """How a package should be. `hold` is None to leave that as it is found."""

    name: str
    ensure: Literal["present", "absent", "latest"] = "present"
    version: str | None = None
    hold: bool | None = None
    purge: bool = False


class Found(NamedTuple):
    """How a package is: `version` None is not installed; `candidate` is the newest to be had, None unknown.

    `residue` is configuration left behind; `program` is the argv that the steps begin with.
    """

    version: str | None
    held: bool = False
    candidate: str | None = None
    residue: bool = False
    program: tuple[str, ...] = ()


class Program(Protocol):
    """One package program. Names are checked before they get here and never begin with a dash."""

    @property
    def holds_block(self) -> bool:
        """Whether a hold has to be lifted before the package can change."""
        ...

    async def look(self, host: Host, wish: Wish) -> Found:
        """How the package is. CannotLook when the program does not answer."""
        ...

    def same(self, wanted: str, found: str) -> bool:
        """Whether the version found is the one that a person means."""
        ...

    def install(self, now: Found, wish: Wish) -> Iterator[Step]:
        """To `wish.version`, or to the newest."""
        ...

    def remove(self, now: Found, wish: Wish) -> Iterator[Step]: ...

    def hold(self, now: Found, name: str, held: bool) -> Iterator[Step]: ...


def steps_to(program: Program, wish: Wish, now: Found) -> Iterator[Step]:
    """What is missing between a wish and what was found."""
    held = now.held
    if wish.ensure == "absent":
        if now.version is not None or (wish.purge and now.residue):
            if held and program.holds_block:
                yield from program.hold(now, wish.name, False)
            yield from program.remove(now, wish)
        return
    target = wish.version or (now.candidate if wish.ensure == "latest" else None)
    if now.version is None or (target is not None and not program.same(target, now.version)):
        if held and program.holds_block:
            yield from program.hold(now, wish.name, False)
        yield from program.install(now, wish)
        held = False                    # lifted, or lost: dpkg forgets a hold when it installs
    wanted = now.held if wish.hold is None else wish.hold
    if wanted != held:
        yield from program.hold(now, wish.name, wanted)
