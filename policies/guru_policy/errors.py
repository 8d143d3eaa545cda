"""Every error raised on purpose, drawn once; it never knows how an error is shown.

GuruError                 1   G0001   something failed, and the sentence says what
├─ UsageWrong             2   G0002   the command line or a request made no sense
├─ NotSignedIn            4   G0401   no credentials, or they ended
│  └─ FactorNeeded        4   G0402   the password was right, and the second factor is missing
├─ NotFound               5   G0404   nothing has that name
├─ PartlyDone             6   G0206   some devices failed, are offline, or are out of date
├─ DeadlinePassed         7   G0408   the time given ran out first
│  └─ Unreachable         7   G0503   nobody answers at that address
├─ Refused                8   G0403   a policy, guard, role or signature says no
│  └─ Untrusted           8   G0495   a signed object is altered, replayed, expired or not for us
├─ Conflict               9   G0409   somebody else changed it first, or two places disagree
├─ PolicyInvalid         10   G0422   faults in the fleet repository, all of them
├─ InputInvalid          10   G0400   a value somebody gave us is not acceptable
├─ Unsupported            1   G0426   the other side speaks an older LANGUAGE or lacks a kind
├─ CannotLook             1   G0510   a probe or check could not see; becomes the verdict `unknown`
├─ StepFailed             1   G0520   a step on a device did not do what it should
└─ Undelivered            1   G0530   a notification channel did not take what it was told
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from guru_policy.faults import Fault


class GuruError(Exception):
    """Something failed; the message is a sentence and the hint says what to do about it."""

    code: ClassVar[str] = "G0001"       # crosses the wire; never renumber one
    exit_code: ClassVar[int] = 1        # DESIGN section 8, the one table

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageWrong(GuruError):
    """The command line or a request made no sense."""

    code, exit_code = "G0002", 2


class NotSignedIn(GuruError):
    """There are no credentials, or they ended or were revoked."""

    code, exit_code = "G0401", 4


class FactorNeeded(NotSignedIn):
    """The password was right, and a code of the second factor is missing."""

    code = "G0402"


class NotFound(GuruError):
    """Nothing has that name."""

    code, exit_code = "G0404", 5


class PartlyDone(GuruError):
    """Some devices failed, are offline or are out of date; the others are done."""

    code, exit_code = "G0206", 6


class DeadlinePassed(GuruError):
    """The time given ran out first."""

    code, exit_code = "G0408", 7


class Unreachable(DeadlinePassed):
    """Nobody answers at that address."""

    code = "G0503"


class Refused(GuruError):
    """A policy, guard, role or signature says no."""

    code, exit_code = "G0403", 8


class Untrusted(Refused):
    """A signed object is altered, replayed, expired or meant for somebody else."""

    code = "G0495"


class Conflict(GuruError):
    """Somebody else changed it first, or two places disagree at the same rank."""

    code, exit_code = "G0409", 9


class InputInvalid(GuruError):
    """A value somebody gave us is not acceptable."""

    code, exit_code = "G0400", 10


class PolicyInvalid(GuruError):
    """Faults in the fleet repository: all of them, in the order of their places."""

    code, exit_code = "G0422", 10

    def __init__(self, faults: Sequence[Fault]) -> None:
        count = len(faults)
        super().__init__(f"{count} fault{'s' if count != 1 else ''} in the fleet repository")
        self.faults = tuple(sorted(faults, key=lambda fault: fault.origin))


class Unsupported(GuruError):
    """The other side speaks an older LANGUAGE, or lacks the kind."""

    code = "G0426"


class CannotLook(GuruError):
    """A probe or a check could not see; becomes the verdict `unknown`, never ok and never critical."""

    code = "G0510"


class StepFailed(GuruError):
    """A step on a device did not do what it should."""

    code = "G0520"


class Undelivered(GuruError):
    """A notification channel did not take what it was told; `again` says whether another try may help."""

    code = "G0530"

    def __init__(self, message: str, *, hint: str = "", again: bool = True, status: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.again = again
        self.status = status            # of the answer, when there was one
