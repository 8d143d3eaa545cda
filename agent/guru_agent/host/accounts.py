"""The machine's users and groups. It never writes."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Awaitable, Callable

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


Read = Callable[[str], Awaitable[bytes | None]]


async def user_entry(read: Read, name: str, today: int) -> UserEntry | None:
    """The user as /etc/passwd, /etc/group and /etc/shadow have it; None when there is none of that name.

    `read` gives a file's content; `today` is days since 1970. Only local accounts: other sources of the
    C library cannot be changed by useradd either.
    """
    users = await _lines(read, "/etc/passwd")
    passwd = next((line for line in users if line[0] == name and len(line) >= 7), None)
    if passwd is None:
        return None
    known = await _lines(read, "/etc/group")
    groups = [line[0] for line in known if len(line) >= 4 and name in line[3].split(",")]
    expiry = next(
        (line[7] for line in await _lines(read, "/etc/shadow") if line[0] == name and len(line) >= 8), ""
    )
    return UserEntry(
        name=name, uid=int(passwd[2]), gid=int(passwd[3]), comment=passwd[4], home=passwd[5], shell=passwd[6],
        groups=tuple(sorted(groups)), locked=expiry.isdigit() and int(expiry) <= today,
    )


async def _lines(read: Read, path: str) -> list[list[str]]:
    data = await read(path)
    return [line.split(":") for line in (data or b"").decode(errors="replace").splitlines()]
