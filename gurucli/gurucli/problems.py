"""A server's problem+json (RFC 9457) as the GuruError it stands for. It never trusts the text for more than
words.
"""

from __future__ import annotations

import json

from guru_policy import errors
from guru_policy.errors import GuruError, PolicyInvalid
from guru_policy.faults import Fault, Origin

_BY_STATUS: dict[int, type[GuruError]] = {
    400: errors.InputInvalid, 401: errors.NotSignedIn, 403: errors.Refused, 404: errors.NotFound,
    408: errors.DeadlinePassed, 409: errors.Conflict, 413: errors.InputInvalid, 422: errors.InputInvalid,
    429: errors.DeadlinePassed, 502: errors.Unreachable, 503: errors.Unreachable, 504: errors.DeadlinePassed,
}


def error_classes() -> dict[str, type[GuruError]]:
    """The GuruErrors that everybody knows, by code; what a room derives from them keeps their code."""
    known = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, GuruError)]
    return {cls.code: cls for cls in sorted(known, key=lambda cls: cls.code)}


def error_from(status: int, body: bytes) -> GuruError:
    """The error that an answer of 400 and above stands for; its notes carry the request id."""
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        cls = _BY_STATUS.get(status, GuruError)
        return cls(f"the server answered {status}",
                   hint="is that address a guru server, and is nothing between?")
    code, hint = str(problem.get("code", "")), str(problem.get("hint", ""))
    message = str(problem.get("detail") or problem.get("title") or f"the server answered {status}")
    error = _error(code, status, problem, message, hint)
    if problem.get("requestId"):
        error.add_note(f"request {problem['requestId']}")
    return error


def _error(code: str, status: int, problem: dict[str, object], message: str, hint: str) -> GuruError:
    faults = problem.get("faults")
    if code == PolicyInvalid.code and isinstance(faults, list) and faults:
        return PolicyInvalid([_fault(line) for line in faults if isinstance(line, dict)])
    cls = error_classes().get(code)
    if cls is not None and cls is not PolicyInvalid:
        return cls(message, hint=hint)
    exit_code = problem.get("exitCode")
    if code and isinstance(exit_code, int) and 0 < exit_code < 128:
        newer = type("RemoteError", (GuruError,), {"code": code, "exit_code": exit_code})
        made: GuruError = newer(message, hint=hint)     # a code of a newer server
        return made
    return _BY_STATUS.get(status, GuruError)(message, hint=hint)


def _fault(line: dict[str, object]) -> Fault:
    row, column = line.get("line", 0), line.get("column", 0)
    return Fault(
        Origin(str(line.get("path", "")), row if isinstance(row, int) else 0,
               column if isinstance(column, int) else 0),
        str(line.get("message", "")),
        str(line.get("hint", "")),
        str(line.get("severity", "error")),
    )
