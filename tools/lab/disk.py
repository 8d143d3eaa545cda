"""A disk that is full for one program, and has room again, by its limit on the size of files (setrlimit(2)).

Needs no privilege and touches nobody else: a write beyond the limit fails as on a full disk, with EFBIG.
"""

from __future__ import annotations

import resource

from tools.lab.processes import Child


def fill(child: Child, size: int = 0) -> None:
    """From now on the program cannot write beyond the first `size` bytes of any file."""
    _, most = resource.prlimit(child.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (size, most))


def make_room(child: Child) -> None:
    """The program may write again."""
    _, most = resource.prlimit(child.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (most, most))
