"""Log lines on standard error, one event a line, as key=value or JSON. It never prints a raw byte."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Literal

Format = Literal["text", "json"]
MAX_LINE = 2000                         # characters of one value


def say(
    logger: logging.Logger, event: str, /, level: int = logging.INFO, **fields: str | float | None
) -> None:
    """Log `event` with its fields; fields that are None are left out."""
    logger.log(level, "%s", event, extra={"fields": {k: v for k, v in fields.items() if v is not None}})


def configure(style: Format, level: str) -> None:
    """Send this program's log, and warnings of libraries, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(style))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("guru_agent").setLevel(level.upper())
    logging.getLogger("websockets").setLevel(logging.ERROR)


def plain(text: str, limit: int = MAX_LINE) -> str:
    """`text` on one line: control characters become spaces, and it is cut at `limit`."""
    return "".join(c if c.isprintable() else " " for c in text[:limit])


class _Lines(logging.Formatter):
    def __init__(self, style: Format) -> None:
        super().__init__()
        self._json = style == "json"

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, str | float] = dict(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[1] is not None:
            fields["error"] = _place(record.exc_info[1])
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        head = {"time": at, "level": record.levelname.lower(), "event": plain(record.getMessage())}
        safe = {key: plain(value) if isinstance(value, str) else value for key, value in fields.items()}
        if self._json:
            return json.dumps({**head, **safe}, ensure_ascii=False)
        body = " ".join(f"{key}={_quoted(value)}" for key, value in safe.items())
        return f"{at} {head['level']} {head['event']}" + (f" {body}" if body else "")


def _place(error: BaseException) -> str:
    """The error and the line of ours that it came through last: a traceback that fits on one line."""
    where, step = "", error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        where, step = f" at {code.co_filename.rsplit('/', 1)[-1]}:{step.tb_lineno}", step.tb_next
    return f"{type(error).__name__}: {error}{where}"


def _quoted(value: str | float) -> str:
    if isinstance(value, str) and (not value or any(c in ' "=' for c in value)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
