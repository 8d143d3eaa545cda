"""Microsoft's winget. Looks and plans; never touches the machine.

`winget list` prints a table whose headings are translated, so a row is read from its Id on: version, then the
newer one if there is any, then the source (tables as in microsoft/winget-cli issues 4718, 2528, 3072 and 3994).
"""

from __future__ import annotations

from collections.abc import Iterator

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.resources.packaging.program import TIMEOUT, Found, Wish
from guru_policy.steps import Step, change_system

# A service is not given the user's alias of winget: the program is looked for in its package.
_FIND = (
    "powershell.exe", "-NoProfile", "-NonInteractive", "-Command",
    (r"(Get-Item 'C:\Program Files\WindowsApps\Microsoft.DesktopAppInstaller_*__8wekyb3d8bbwe\winget.exe'"
     " | Sort-Object LastWriteTime | Select-Object -Last 1).FullName"),
)
_NO_PACKAGE = frozenset({0x8A150014, 0x8A150014 - (1 << 32)})  # APPINSTALLER_CLI_ERROR_NO_APPLICATIONS_FOUND
_QUIET = ("--accept-source-agreements", "--disable-interactivity")
_SOURCES = frozenset({"winget", "msstore"})


class Winget:
    """`winget.exe` of the App Installer."""

    holds_block = True

    async def look(self, host: Host, wish: Wish) -> Found:
        """See Program."""
        program = await host.query(*_FIND, timeout=60.0)
        if not program.endswith("winget.exe") or "\n" in program:
            raise CannotLook("there is no winget on this machine", hint="install the App Installer")
        argv = (program, "list", "--id", wish.name, "--exact", *_QUIET)
        done = await host.run(argv, timeout=120.0)
        if done.exit_code in _NO_PACKAGE:
            return Found(None, program=(program,))
        if done.exit_code != 0:
            raise CannotLook(f"winget list failed with exit code {done.exit_code}")
        version, newer = read_row(done.stdout, wish.name)
        pins = await host.run((program, "pin", "list", "--id", wish.name, "--exact", *_QUIET), timeout=120.0)
        held = wish.name.lower() in pins.stdout.lower().split()
        return Found(version, held, newer or version, program=(program,))

    def same(self, wanted: str, found: str) -> bool:
        """See Program."""
        return wanted == found

    def install(self, now: Found, wish: Wish) -> Iterator[Step]:
        """See Program."""
        verb = "install" if now.version is None or wish.version else "upgrade"
        pinned = ("--version", wish.version, "--force") if wish.version else ()
        words = ("--source", "winget", "--silent", "--accept-package-agreements", *_QUIET, *pinned)
        yield change_system(*now.program, verb, "--id", wish.name, "--exact", *words, timeout=TIMEOUT)

    def remove(self, now: Found, wish: Wish) -> Iterator[Step]:
        """See Program."""
        words = ("--silent", "--disable-interactivity", *(("--purge",) if wish.purge else ()))
        yield change_system(*now.program, "uninstall", "--id", wish.name, "--exact", *words, timeout=TIMEOUT)

    def hold(self, now: Found, name: str, held: bool) -> Iterator[Step]:
        """See Program."""
        words = ("add", "--blocking") if held else ("remove",)
        yield change_system(*now.program, "pin", words[0], "--id", name, "--exact", *words[1:], *_QUIET)


def read_row(table: str, name: str) -> tuple[str, str | None]:
    """Installed version and the newer one, from the row of the package `name`; CannotLook without such a row."""
    for line in table.splitlines():
        words = line.split()
        at = next((index for index, word in enumerate(words) if word.lower() == name.lower()), None)
        if at is None or at == 0:
            continue
        rest = [word for word in words[at + 1 :] if word not in ("<", ">")]
        if rest and rest[-1] in _SOURCES:
            rest.pop()
        if 1 <= len(rest) <= 2:
            return rest[0], rest[1] if len(rest) == 2 else None
    raise CannotLook(f"winget does not list {name} in a form that can be read")
