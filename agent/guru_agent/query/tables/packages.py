"""Rows of `packages` and `updates`, of apt and dnf."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guru_agent.query.programs import has, heard
from guru_agent.query.rows import Row, Unseen, Wanted

_DEB = "${Package}\\t${Version}\\t${Architecture}\\t${Installed-Size}\\t${Section}\\t${Maintainer}\\t${Status}\\n"
_RPM = "%{NAME}\\t%{EVR}\\t%{ARCH}\\t%{SIZE}\\t%{GROUP}\\t%{PACKAGER}\\n"
_INST = re.compile(r"^Inst (\S+) (?:\[([^\]]*)\] )?\((\S+) (.*?)(?: \[[^\]]*\])?\)")


def packages(wanted: Wanted) -> Iterator[Row]:
    """Of whichever package managers the device has."""
    found = False
    if has("dpkg-query"):
        found = True
        yield from read_dpkg(heard("dpkg-query", "--show", f"--showformat={_DEB}"))
    if has("rpm"):
        found = True
        yield from read_rpm(heard("rpm", "--query", "--all", "--queryformat", _RPM))
    if not found:
        raise Unseen("packages are seen by dpkg-query and rpm, and neither is installed")


def read_dpkg(text: str) -> Iterator[Row]:
    """The answer of dpkg-query; sizes are in KiB there, and status is three words, the last what it is now."""
    for line in text.splitlines():
        name, version, arch, size, section, maintainer, status = (*line.split("\t"), *[""] * 7)[:7]
        wish, _, state = (*status.split(), "", "", "")[:3]
        yield {
            "name": name, "version": version or None, "arch": arch, "manager": "apt",
            "size": int(size) * 1024 if size.isdigit() else None, "section": section or None,
            "maintainer": maintainer or None, "status": "held" if wish == "hold" else state,
        }


def read_rpm(text: str) -> Iterator[Row]:
    """The answer of rpm; keys of signers are listed as packages there and are none."""
    for line in text.splitlines():
        name, version, arch, size, group, packager = (*line.split("\t"), *[""] * 6)[:6]
        if name != "gpg-pubkey":
            yield {
                "name": name, "version": version, "arch": arch, "manager": "dnf",
                "size": int(size) if size.isdigit() else None, "section": group if group != "Unspecified" else None,
                "maintainer": packager if packager != "(none)" else None, "status": "installed",
            }


def updates(wanted: Wanted) -> Iterator[Row]:
    """What an upgrade would install, by the lists that the device has now. Nothing is fetched, nothing locked."""
    if has("apt-get"):
        yield from read_apt(heard("apt-get", "--simulate", "-o", "Debug::NoLocking=1", "dist-upgrade"))
    elif has("dnf"):
        yield from read_dnf(heard("dnf", "--quiet", "--cacheonly", "check-update", codes=(0, 100)))
    else:
        raise Unseen("updates are seen by apt-get and dnf, and neither is installed")


def read_apt(text: str) -> Iterator[Row]:
    """Lines such as `Inst curl [7.1] (7.2 Debian-Security:12/stable-security [amd64])`."""
    for line in text.splitlines():
        found = _INST.match(line)
        if found:
            name, now, later, origin = found.groups()
            yield {"name": name, "version": now, "available": later, "origin": origin, "manager": "apt",
                   "security": int("security" in origin.lower())}


def read_dnf(text: str) -> Iterator[Row]:
    """Lines such as `curl.x86_64   7.76.1-29.el9   baseos`, up to the packages that are obsolete."""
    for line in text.split("\nObsoleting", 1)[0].splitlines():
        words = line.split()
        if len(words) == 3 and "." in words[0]:
            yield {"name": words[0].rpartition(".")[0], "version": None, "available": words[1], "origin": words[2],
                   "manager": "dnf", "security": None}
