"""How each shell is given a script: through a descriptor, so that it is in no argument list and on no disk.

Windows' shells take it in other ways, which stand here too and were not tried on a Windows machine.
"""

from __future__ import annotations

import base64
import os
import sys
from typing import NamedTuple

from guru_policy.errors import Unsupported
from guru_policy.host import Shell

LINE = 16 << 10                         # bytes of script that may be an argument where there are no descriptors
POSIX: dict[Shell, tuple[str, ...]] = {"sh": ("/bin/sh",), "bash": ("bash",), "python": ("python3",)}


class Said(NamedTuple):
    """A command line, and the descriptor that it reads its script from; close it once the command has started."""

    argv: tuple[str, ...]
    descriptor: int | None = None


def say_to(shell: Shell | None, script: str, platform: str = sys.platform) -> Said:
    """The command line that runs the script. Unsupported when the platform has no such shell."""
    windows = platform == "win32"
    shell = shell or ("powershell" if windows else "sh")
    if windows:
        return Said(_windows(shell, script))
    if shell == "powershell":
        return Said(("pwsh", *_encoded(script)))
    if shell not in POSIX:
        raise Unsupported(f"{shell} is a shell of Windows only")
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("guru-script")
        os.write(descriptor, script.encode())
        return Said((*POSIX[shell], f"/dev/fd/{descriptor}"), descriptor)
    if len(script) > LINE:
        raise Unsupported(f"a script has at most {LINE >> 10} KiB on this platform")
    return Said((*POSIX[shell], "-c", script))


def said_inside(shell: Shell | None, script: str) -> tuple[list[str], str | None]:
    """The command line within a sandbox of Linux, and the script when that is to be handed to it as a file."""
    if shell == "powershell":
        return ["pwsh", *_encoded(script)], None
    if (shell or "sh") not in POSIX:
        raise Unsupported(f"{shell} is a shell of Windows only")
    return list(POSIX[shell or "sh"]), script


def _windows(shell: Shell, script: str) -> tuple[str, ...]:
    if shell == "powershell":
        return ("powershell.exe", *_encoded(script))
    if len(script) > LINE:
        raise Unsupported(f"a script for {shell} has at most {LINE >> 10} KiB on Windows")
    if shell == "cmd":
        return ("cmd.exe", "/d", "/s", "/c", script)
    if shell == "python":
        return ("py.exe", "-3", "-c", script)
    raise Unsupported(f"{shell} is no shell of Windows", hint="powershell, cmd and python are")


def _encoded(script: str) -> tuple[str, ...]:
    """See about_PowerShell_exe: UTF-16LE in base64, which no quoting can spoil."""
    told = base64.b64encode(script.encode("utf-16-le")).decode()
    return ("-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-EncodedCommand", told)
