"""What `guru doctor` is told by the server. Frozen models, no logic."""

from __future__ import annotations

from guru_policy.model import Carried
from guru_wire.operator import Answer


class Diagnosis(Carried):
    """One line of `guru doctor`; `fix` says what to do when it is not ok."""

    name: str
    ok: bool
    message: str
    fix: str = ""


class Doctor(Answer):
    """The server's own view of its health."""

    lines: tuple[Diagnosis, ...]
