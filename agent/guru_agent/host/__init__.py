"""The machine under the agent, looked at through guru_policy.host.Host. It never writes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from guru_agent.host.linux import LinuxHost
from guru_policy.errors import Unsupported


def open_host(root: Path | None = None, sealed: Callable[[str], bytes | None] = lambda _: None) -> LinuxHost:
    """The host of this platform; `root` is a sandbox in front of every path. Unsupported elsewhere.

    `sealed` gives the value of a secret that came with the desired state, None for others.
    """
    if sys.platform != "linux":
        raise Unsupported(
            f"this version of the agent does not run on {sys.platform}", hint="it runs on Linux"
        )
    return LinuxHost(root, sealed)
