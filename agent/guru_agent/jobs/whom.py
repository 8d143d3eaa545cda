"""Under which account and in which surroundings a command runs. It starts nothing."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from guru_agent.host.programs import PATH
from guru_policy.errors import Unsupported


class Account(NamedTuple):
    """Variables, the folder it starts in, and what subprocess.Popen is told."""

    env: dict[str, str]
    home: Path
    options: Mapping[str, Any]


def system() -> Account:
    """The agent's own account."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    return Account({"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": str(home)}, home, {})


def signed_in() -> Account:
    """The user who sits at the machine; Unsupported when nobody does, or when this agent cannot become them."""
    if os.getuid() != 0:
        raise Unsupported("this agent is not root and cannot run anything as another user")
    names = [one.name for one in sorted(psutil.users(), key=_at_a_screen)]
    for name in names:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        groups = [one.gr_gid for one in grp.getgrall() if name in one.gr_mem]
        runtime = f"/run/user/{user.pw_uid}"
        env = {
            "PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": user.pw_dir, "USER": name, "LOGNAME": name,
            "XDG_RUNTIME_DIR": runtime, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/bus",
        }
        options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": groups}
        return Account(env, Path(user.pw_dir), options)
    raise Unsupported("nobody is signed in on this device")


def _at_a_screen(session: Any) -> tuple[bool, float]:
    """Those at a screen or console first, then the longest signed in."""
    terminal = str(session.terminal or "")
    return (not terminal.startswith((":", "tty", "seat")), float(session.started))
