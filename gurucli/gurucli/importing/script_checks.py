"""A script of another product as a script check: its text for /bin/sh, exit codes as a plugin's. It runs nothing."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

MARK = "END_OF_SCRIPT"
PROGRAMS = {"sh": "/bin/sh -c", "bash": "/bin/bash -c", "python": "/usr/bin/env python3 -c"}


def shell_text(
    shell: str, body: str, arguments: Sequence[str], fine: Collection[int] = (0,), warning: Collection[int] = ()
) -> str:
    """Runs `body`, and ends with 0, 1 or 2: codes in `fine` are ok, those in `warning` a warning, others critical."""
    mark, number = MARK, 1
    lines = body.split("\n")
    while mark in lines:
        number += 1
        mark = f"{MARK}_{number}"
    words = f" {shlex.join(arguments)}" if arguments else ""
    text = body.rstrip("\n")
    cases = _case(fine, 0, warning) + _case(warning, 1, ())
    return (
        f"code=0\n{PROGRAMS[shell]} \"$(cat <<'{mark}'\n{text}\n{mark}\n)\" check{words} || code=$?\n"
        f"case $code in {cases}*) exit 2 ;; esac\n"
    )


def _case(codes: Collection[int], ending: int, others: Collection[int]) -> str:
    chosen = sorted({code & 255 for code in codes} - {code & 255 for code in others})
    return f"{'|'.join(map(str, chosen))}) exit {ending} ;; " if chosen else ""
