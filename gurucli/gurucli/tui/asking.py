"""A question over the tables, answered in one line. It decides nothing."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class Question(ModalScreen[str | None]):
    """Dismissed with the answer, or with None."""

    CSS = """
    Question { align: center middle; }
    Question Vertical { width: 70; height: auto; border: round $primary; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave it")]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """The question, and a line for the answer."""
        with Vertical():
            yield Static(self._question, markup=False)
            yield Input(max_length=500)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """That is the answer."""
        event.stop()
        self.dismiss(event.value.strip())

    def action_leave(self) -> None:
        """There is no answer."""
        self.dismiss(None)
