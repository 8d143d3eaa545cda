"""What `guru can` is asked, read as a sentence: `can I run script reboot on @acme`. It asks nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from guru_policy.errors import UsageWrong


class Question(NamedTuple):
    """A verb, a device or a selector, and a script of which the class is to be found out."""

    verb: str
    device: str = ""
    selector: str = ""
    script: str = ""


def read(words: Sequence[str]) -> Question:
    """`VERB [DEVICE]`, or `I run [script NAME] [on DEVICE|SELECTOR]`; UsageWrong for anything else."""
    left = [*words]
    if len(left) > 1 and left[0].lower() == "i":
        left.pop(0)
    verb, script = left.pop(0), ""
    if verb == "run":
        verb = "command.run"
        if len(left) > 1 and left[0] == "script":
            script = left[1]
            del left[:2]
    spoken = bool(left) and left[0] == "on"
    if spoken:
        left.pop(0)
    if len(left) > 1 or (spoken and not left):
        raise UsageWrong("that is not a question that I understand",
                         hint="guru can VERB [DEVICE], or guru can I run script NAME on @customer")
    where = left[0] if left else ""
    if where.startswith("@") or any(sign in where for sign in "=!<>"):
        return Question(verb, selector=where, script=script)
    return Question(verb, device=where, script=script)
