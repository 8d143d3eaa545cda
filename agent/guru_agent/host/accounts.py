"""The machine's users and groups, read through the C library. It never writes."""

from __future__ import annotations

import grp
import pwd

from guru_policy.host import UserEntry


def user_name(uid: int) -> str:
    """The user's name, or the number as text when nobody has it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    """The group's name, or the number as text when none has it."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def user_entry(name: str) -> UserEntry | None:
    """The user, with supplementary groups; None when there is none of that name."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    return UserEntry(
        name=found.pw_name, uid=found.pw_uid, gid=found.pw_gid, comment=found.pw_gecos,
        home=found.pw_dir, shell=found.pw_shell,
        groups=tuple(sorted(group.gr_name for group in grp.getgrall() if name in group.gr_mem)),
        locked=_locked(name),
    )


def _locked(name: str) -> bool:
    """shadow(5): a password field that begins with ! is locked. Without the right to read it: False."""
    try:
        with open("/etc/shadow", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - read at once
            lines = file.read(1 << 22).splitlines()
    except OSError:
        return False
    return any(line.startswith(f"{name}:!") for line in lines)
