"""What text is written on: its width, colours and glyphs. It decides looks only, never what is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Tone = Literal["", "good", "busy", "warn", "bad", "off", "title", "dim", "accent"]

# The sixteen colours of the terminal's own theme, so that light and dark both stay readable.
_CODES: dict[Tone, str] = {
    "good": "32", "busy": "36", "warn": "33", "bad": "31", "off": "35", "title": "1", "dim": "2",
    "accent": "36",
}
_GLYPHS: dict[Tone, str] = {"good": "●", "busy": "◐", "warn": "▲", "bad": "✕", "off": "○"}

STATE_TONES: dict[str, Tone] = {
    "UpToDate": "good", "Updating": "busy", "OutOfDate": "warn", "Unknown": "off",
    "ok": "good", "warning": "warn", "critical": "bad", "unknown": "off",
    "firing": "bad", "pending": "warn", "resolved": "good", "taken up": "busy", "muted": "off",
    "began": "warn", "fired": "bad", "told": "busy", "unmuted": "bad", "acknowledged": "busy", "unacknowledged": "bad",
    "waiting": "busy", "delivered": "good", "open": "busy", "closed": "off",
    "InForce": "good", "Held": "warn",
    "published": "good", "compiling": "busy", "partly-held": "warn", "refused": "bad", "superseded": "dim",
    "same": "good", "changed": "busy", "drifted": "warn", "failed": "bad", "skipped": "off",
    "unsupported": "off",
    "create": "good", "change": "warn", "delete": "bad", "rename": "busy",
}


class Cell(NamedTuple):
    """Clean text and its tone."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """A terminal, or a file that is written as if it were an endless one."""

    columns: int = 0                    # 0: as wide as it takes
    color: bool = False
    glyphs: bool = False
    unicode: bool = True
    now: float = 0.0                    # seconds since the epoch, for ages

    def paint(self, text: str, tone: Tone = "") -> str:
        """The text in its tone; only the text itself when there is no colour."""
        if not (self.color and tone and text):
            return text
        return f"\x1b[{_CODES[tone]}m{text}\x1b[0m"

    def draw(self, cell: Cell) -> str:
        """A cell as it is written."""
        return self.paint(cell.text, cell.tone)

    def status(self, word: str, extra: str = "") -> Cell:
        """A word that is a state, with its glyph: colour alone never tells."""
        tone = STATE_TONES.get(word, "")
        return Cell(self.marked(word + (f" {extra}" if extra else ""), tone), tone)

    def marked(self, text: str, tone: Tone) -> str:
        """The text behind the glyph of its tone."""
        glyph = _GLYPHS.get(tone, "") if self.glyphs and self.unicode else ""
        return f"{glyph} {text}" if glyph else text

    @property
    def dot(self) -> str:
        """What stands between two facts on one line."""
        return " · " if self.unicode else " - "

    @property
    def arrow(self) -> str:
        """What stands between before and after."""
        return "→" if self.unicode else "->"

    @property
    def ellipsis(self) -> str:
        """What stands for letters that were cut."""
        return "…" if self.unicode else "..."
