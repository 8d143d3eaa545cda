"""Chocolatey, version 2 or later. Looks and plans; never touches the machine.

With `--limit-output` each line is NAME|VERSION for `list`, `search` and `pin list`, as Chocolatey's manual of
these commands and its issue 2052 (`outdated`) show it.
"""

from __future__ import annotations

from collections.abc import Iterator

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.resources.packaging.program import TIMEOUT, Found, Wish
from guru_policy.steps import Step, change_system

CHOCO = r"C:\ProgramData\chocolatey\bin\choco.exe"


class Choco:
    """`choco.exe` in its usual place."""

    holds_block = True

    async def look(self, host: Host, wish: Wish) -> Found:
        """See Program."""
        version = (await host.query(CHOCO, "--version", timeout=60.0)).split(".", 1)[0]
        if not version.isdecimal() or int(version) < 2:
            raise CannotLook("this needs Chocolatey 2 or later", hint="choco upgrade chocolatey")
        installed = await self._version(host, wish.name, "list", "--exact")
        held = installed is not None and await self._version(host, wish.name, "pin", "list") is not None
        latest = wish.ensure == "latest"
        return Found(installed, held, await self._version(host, wish.name, "search", "--exact") if latest else None)

    async def _version(self, host: Host, name: str, *verb: str) -> str | None:
        words = (name,) if verb[0] != "pin" else ()
        done = await host.run((CHOCO, *verb, "--limit-output", *words), timeout=120.0)
        if done.exit_code not in (0, 2):        # 2: nothing found
            raise CannotLook(f"choco {verb[0]} failed with exit code {done.exit_code}")
        for line in done.stdout.splitlines():
            found, mark, version = line.strip().partition("|")
            if mark and found.lower() == name.lower():
                return version.partition("|")[0]
        return None

    def same(self, wanted: str, found: str) -> bool:
        """See Program."""
        return wanted == found

    def install(self, now: Found, wish: Wish) -> Iterator[Step]:
        """See Program. `upgrade` installs what is missing."""
        del now
        pinned = ("--version", wish.version, "--allow-downgrade") if wish.version else ()
        yield _choco("upgrade", wish.name, "--no-progress", *pinned)

    def remove(self, now: Found, wish: Wish) -> Iterator[Step]:
        """See Program."""
        del now
        yield _choco("uninstall", wish.name)

    def hold(self, now: Found, name: str, held: bool) -> Iterator[Step]:
        """See Program."""
        del now
        yield change_system(CHOCO, "pin", "add" if held else "remove", f"--name={name}", "--limit-output")


def _choco(verb: str, name: str, *words: str) -> Step:
    # Installers ask for a reboot with exit codes of their own, such as 3010; this makes them 0.
    return change_system(
        CHOCO, verb, name, "--yes", "--limit-output", "--ignore-package-exit-codes", *words, timeout=TIMEOUT
    )
