"""Errors as application/problem+json (RFC 9457), with code, hint and exit code. It raises nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from guru_policy import errors
from guru_policy.faults import Fault
from guru_server.identity.rates import TooMany
from guru_server.replays.store import KeyReused
from guru_server.tagging import Changed
from guru_server.transfers.altered import Altered
from guru_wire.operator import FaultLine, Problem

log = logging.getLogger("guru.api")

# The first class that fits decides; the order is from the narrow to the wide.
STATUS: tuple[tuple[type[errors.GuruError], int], ...] = (
    (TooMany, 429),
    (KeyReused, 422),
    (Altered, 422),
    (Changed, 412),
    (errors.NotSignedIn, 401),
    (errors.NotFound, 404),
    (errors.Refused, 403),
    (errors.Conflict, 409),
    (errors.PolicyInvalid, 422),
    (errors.InputInvalid, 400),
    (errors.UsageWrong, 400),
    (errors.Unreachable, 503),
    (errors.DeadlinePassed, 504),
    (errors.Unsupported, 426),
)


class MethodNotAllowed(errors.UsageWrong):
    """The path is there, the method is not."""


class TooLarge(errors.InputInvalid):
    """The body is larger than this path takes."""


class TooSlow(errors.DeadlinePassed):
    """The body did not come in time."""


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""

    @app.exception_handler(errors.GuruError)
    async def expected(request: Request, error: errors.GuruError) -> Response:
        return answer(request, error, status_of(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return answer(request, _of_fields(error), 400)

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            missing = errors.NotFound("this path does not exist", hint="see /api/v1/openapi.json")
            return answer(request, missing, 404)
        if error.status_code == 405:
            return answer(request, MethodNotAllowed("this path does not take that method"), 405)
        return answer(request, errors.InputInvalid(str(error.detail)), error.status_code)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.scope.get("path"), exc_info=error)
        said = errors.GuruError("the server failed at this", hint="the server's log tells more")
        return answer(request, said, 500)


def status_of(error: errors.GuruError) -> int:
    """The HTTP status for an error."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def answer(request: Request, error: errors.GuruError, status: int) -> Response:
    """The problem document."""
    faults: Sequence[Fault] = error.faults if isinstance(error, errors.PolicyInvalid) else ()
    problem = Problem(
        title=type(error).__name__, status=status, detail=error.message, code=error.code, hint=error.hint,
        exit_code=error.exit_code, request_id=request.scope.get("guru.request", ""),
        faults=tuple(_line(fault) for fault in faults[:1000]),
    )
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    return Response(
        problem.model_dump_json(by_alias=True), status, headers=headers, media_type="application/problem+json"
    )


def _line(fault: Fault) -> FaultLine:
    return FaultLine(
        path=fault.origin.path, line=fault.origin.line, column=fault.origin.column, message=fault.message,
        hint=fault.hint, severity="warning" if fault.severity == "warning" else "error",
    )


def _of_fields(error: RequestValidationError) -> errors.InputInvalid:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "body"
    return errors.InputInvalid(f"{place[:200]}: {first['msg']}"[:500], hint="see /api/v1/openapi.json")
