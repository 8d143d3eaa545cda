"""Which looks the surroundings allow: colour, glyphs and width for a stream. It writes nothing."""

from __future__ import annotations

import time
from typing import TextIO

from guru_policy.errors import UsageWrong
from gurucli.environment import Environment
from gurucli.flags import Options
from gurucli.paper import Paper


def make_paper(environment: Environment, options: Options, stream: TextIO, terminal: bool) -> Paper:
    """The paper for stdout or stderr; UsageWrong when --color is none of its three words."""
    if options.color not in ("auto", "always", "never"):
        raise UsageWrong(f"--color {options.color!r} is not auto, always or never")
    fancy = terminal and environment.term != "dumb" and not options.plain
    color = options.color == "always" or (
        options.color == "auto" and not options.plain and not environment.no_color
        and (fancy or environment.force_color))
    return Paper(0 if options.plain else environment.columns, color, glyphs=fancy, unicode=_unicode(stream),
                 now=time.time())


def _unicode(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "").lower().replace("-", "") in ("utf8", "utf8sig")
