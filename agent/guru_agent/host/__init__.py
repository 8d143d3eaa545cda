"""The machine under the agent, looked at through guru_policy.host.Host. It never writes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from guru_policy.errors import Unsupported

if TYPE_CHECKING:
    from guru_agent.host.linux import LinuxHost  # the half that carries looks at pages, and at nothing else here
    from guru_agent.reaching import Reach


def open_host(
    root: Path | None = None, sealed: Callable[[str], bytes | None] = lambda _: None, reach: Reach | None = None
) -> LinuxHost:
    """The host of this platform; `root` is a sandbox in front of every path. Unsupported elsewhere.

    `sealed` gives the value of a secret that came with the desired state, None for others; `reach` looks over networks.
    """
    if sys.platform != "linux":
        raise Unsupported(
            f"this version of the agent does not run on {sys.platform}", hint="it runs on Linux"
        )
    from guru_agent.host.linux import LinuxHost

    return LinuxHost(root, sealed, reach)
