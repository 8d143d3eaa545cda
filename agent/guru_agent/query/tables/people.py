"""Rows of `users` and `logged_in`."""

from __future__ import annotations

import grp
import pwd
from collections import defaultdict
from collections.abc import Iterator

import psutil

from guru_agent.query.rows import Row, Wanted


def users(wanted: Wanted) -> Iterator[Row]:
    """Accounts that the C library lists, with the groups they were added to."""
    member: dict[str, list[str]] = defaultdict(list)
    for group in grp.getgrall():
        for someone in group.gr_mem:
            member[someone].append(group.gr_name)
    one = wanted.equal("username")
    for entry in pwd.getpwall():
        if one is None or entry.pw_name == one:
            yield {
                "uid": entry.pw_uid, "gid": entry.pw_gid, "username": entry.pw_name, "description": entry.pw_gecos,
                "directory": entry.pw_dir, "shell": entry.pw_shell,
                "groups": " ".join(sorted(member[entry.pw_name])),
            }


def logged_in(wanted: Wanted) -> Iterator[Row]:
    """Sessions of utmp."""
    for one in psutil.users():
        yield {"user": one.name, "tty": one.terminal, "host": one.host or None, "time": round(one.started),
               "pid": one.pid}
