"""Seals bytes to this machine's TPM, by systemd-creds: they open by that TPM alone. Nothing of them is ever logged."""

from __future__ import annotations

import os
import subprocess

from guru_agent.logs import plain
from guru_policy.errors import GuruError

PROGRAM = "systemd-creds"
NAME = "guru-device-key"                # bound into what is sealed: another credential of the machine is none of ours
PCR = "16"                              # nothing is measured into it: an update of firmware must lock no device out.
#                                         Bound to none at all, systemd 252 does not open it again
TIMEOUT = 60.0                          # seconds: some TPMs take several for one key
MOST_SAID = 300                         # characters of what the program said
_KEPT = 8                               # sealed texts whose content is remembered, so that a TPM is asked once for each
_HINT = (
    "it opens by the TPM that sealed it alone: when this machine's TPM was cleared or replaced, or the folder is "
    "another machine's, run `guru-agent enroll --force` with a new token"
)


class Tpm:
    """The TPM of this machine. `device` as systemd-creds takes it: `auto`, a device file, or DRIVER:PARAMETERS."""

    def __init__(self, device: str = "auto", program: str = PROGRAM) -> None:
        self._device, self._program = device, program
        self._known: dict[bytes, bytes] = {}

    def seal(self, content: bytes) -> bytes:
        """The content, sealed, as text. GuruError when no TPM seals here."""
        sealed = self._ask("encrypt", ("--with-key=tpm2", f"--tpm2-pcrs={PCR}"), content)
        self._remember(sealed, content)
        return sealed

    def open(self, sealed: bytes) -> bytes:
        """What was sealed; GuruError when this machine's TPM does not open it, or there is none."""
        if sealed in self._known:
            return self._known[sealed]
        try:
            content = self._ask("decrypt", (), sealed)
        except GuruError as cause:
            raise GuruError(f"the TPM did not open the device key: {cause.message}", hint=_HINT) from cause
        self._remember(sealed, content)
        return content

    def prove(self) -> None:
        """Return when it seals and opens again; GuruError says why it does not."""
        content = os.urandom(32)
        sealed = self.seal(content)
        self._known.clear()
        if self.open(sealed) != content:
            raise GuruError("the TPM opens what it sealed to something else")
        self._known.clear()

    def _remember(self, sealed: bytes, content: bytes) -> None:
        while len(self._known) >= _KEPT:
            self._known.pop(next(iter(self._known)))
        self._known[sealed] = content

    def _ask(self, verb: str, options: tuple[str, ...], given: bytes) -> bytes:
        argv = (self._program, verb, f"--name={NAME}", f"--tpm2-device={self._device}", *options, "-", "-")
        variables = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "SYSTEMD_LOG_COLOR": "0"}
        try:
            done = subprocess.run(argv, input=given, capture_output=True, timeout=TIMEOUT, env=variables, check=False)
        except FileNotFoundError as cause:
            raise GuruError(f"{self._program} is not here (systemd 250 or later brings it)") from cause
        except (OSError, subprocess.TimeoutExpired) as cause:
            raise GuruError(f"{self._program} did not answer") from cause
        if done.returncode != 0 or not done.stdout:
            raise GuruError(plain(_said(done.stderr), MOST_SAID))
        return done.stdout


def _said(text: bytes) -> str:
    """The program's own last words, rather than those of the library under it."""
    lines = text.decode(errors="replace").strip().splitlines() or ["it says nothing"]
    own = [line for line in lines if not line.startswith(("WARNING:", "ERROR:"))]
    return (own or lines)[-1]
