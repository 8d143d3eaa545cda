"""Progress on stderr: one line that moves on a terminal, a line a change elsewhere, nothing with -q."""

from __future__ import annotations

from gurucli.clean import clean, shorten
from gurucli.out import Out

BAR = 24
EIGHTHS = " ▏▎▍▌▋▊▉█"


class Progress:
    """What is going on, until `done`."""

    def __init__(self, out: Out, *, moving: bool) -> None:
        self._out, self._moving = out, moving and not out.quiet
        self._last = ""

    def show(self, share: float, text: str) -> None:
        """The share that is done, 0 to 1, and words."""
        words = clean(text)
        if self._moving:
            line = f"{bar(share) if self._out.side.unicode else f'{share:4.0%}'} {words}"
            self._out.write_side("\r\x1b[K" + shorten(line, max(self._out.side.columns - 1, 20)))
        elif words != self._last:
            self._out.note(words)
        self._last = words

    def done(self) -> None:
        """Clear the moving line: the result says the rest."""
        if self._moving and self._last:
            self._out.write_side("\r\x1b[K")


def bar(share: float) -> str:
    """A bar of BAR columns, in eighths."""
    eighths = round(max(0.0, min(1.0, share)) * BAR * 8)
    full, rest = divmod(eighths, 8)
    drawn = "█" * full + (EIGHTHS[rest] if rest else "")
    return drawn + "·" * (BAR - len(drawn))
