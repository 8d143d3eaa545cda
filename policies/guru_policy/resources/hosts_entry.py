"""Names and the address they stand for in the machine's hosts file. Looks and plans; never touches the machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field, StringConstraints

from guru_policy.host import Host
from guru_policy.model import wrong
from guru_policy.quantities import shown
from guru_policy.resources.base import Resource
from guru_policy.steps import Step, WriteFile

_PATHS = {"windows": r"C:\Windows\System32\drivers\etc\hosts"}
_LARGEST = 4 << 20


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as cause:
        raise wrong(f"{shown(value)} is not an address", hint="such as 192.0.2.7 or 2001:db8::7") from cause


def _ordinary(value: str) -> str:
    if value.lower() in ("localhost", "localhost.localdomain", "ip6-localhost"):
        raise wrong(f"{shown(value)} is the machine itself", hint="leave its entry alone")
    return value.lower()


Address = Annotated[str, AfterValidator(_address)]
_PART = "[A-Za-z0-9_][A-Za-z0-9_-]{0,62}"
HostName = Annotated[
    str, StringConstraints(max_length=253, pattern=rf"^{_PART}(\.{_PART})*\z"), AfterValidator(_ordinary)
]


class HostsState(NamedTuple):
    """The file's lines without their ends; `ending` is what ends them."""

    path: str
    lines: tuple[str, ...]
    ending: str = "\n"


class HostsEntry(Resource[HostsState]):
    """Keep names at one address, and at no other of its family; or keep the names out. Other lines stay."""

    platforms = frozenset({"linux", "macos", "windows"})

    kind: Literal["hosts_entry"] = "hosts_entry"
    address: Address
    names: Annotated[tuple[HostName, ...], Field(strict=False, min_length=1, max_length=30)]
    ensure: Literal["present", "absent"] = "present"

    async def probe(self, host: Host) -> HostsState:
        path = _PATHS.get(host.platform, "/etc/hosts")
        text = (await host.read(path, _LARGEST) or b"").decode(errors="surrogateescape")
        ending = "\r\n" if "\r\n" in text or (host.platform == "windows" and not text) else "\n"
        lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []
        return HostsState(path, tuple(lines), ending)

    def plan(self, now: HostsState) -> Iterator[Step]:
        lines: list[str] = []
        missing = dict.fromkeys(self.names) if self.ensure == "present" else {}
        for line in now.lines:
            left = self._kept(line, missing)
            if left is not None:
                lines.append(left)
        if missing:
            lines.append(f"{self.address}\t{' '.join(missing)}")
        if tuple(lines) != now.lines:
            text = "".join(f"{line}{now.ending}" for line in lines)
            yield WriteFile(now.path, text.encode(errors="surrogateescape"))

    def _kept(self, line: str, missing: dict[str, None]) -> str | None:
        """The line without names that must not stand there; None when nothing is left of it."""
        entry, mark, comment = line.partition("#")
        words = entry.split()
        if len(words) < 2 or not self._same_family(words[0]):
            return line
        right = self.ensure == "present" and _canonical(words[0]) == self.address
        stray = [name for name in words[1:] if name.lower() in self.names and not right]
        if right:
            for name in words[1:]:
                missing.pop(name.lower(), None)
        if not stray:
            return line
        names = [name for name in words[1:] if name not in stray]
        return f"{words[0]}\t{' '.join(names)}{' ' + mark + comment if mark else ''}" if names else None

    def _same_family(self, word: str) -> bool:
        return _canonical(word) != "" and (":" in word) == (":" in self.address)


def _canonical(word: str) -> str:
    """The address in its one form; empty when it is none (a zone such as %eth0 is none of ours)."""
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        return ""
