"""How the demo looks on a terminal and in a log. It prints, and does nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text


class Stage:
    """Steps with a tick and their seconds; what commands printed, indented."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)

    def say(self, text: str) -> None:
        """A plain line."""
        self._console.print(escape(text))

    def title(self, text: str) -> None:
        """A line above others."""
        self._console.print(f"\n[bold]{escape(text)}[/]\n")

    def hint(self, command: str, meaning: str = "") -> None:
        """A command to try, never broken over lines so that it can be copied."""
        if meaning:
            self._console.print(f"    [dim]# {escape(meaning)}[/]")
        self._console.print(f"    [cyan]{escape(command)}[/]", soft_wrap=True)

    @property
    def color(self) -> str:
        """What to tell a command about colour, so that it looks here as it would by itself."""
        return "always" if self._console.is_terminal and not self._console.no_color else "never"

    @contextmanager
    def step(self, sentence: str) -> Iterator[None]:
        """A line that ends with how long it took."""
        started = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(escape(sentence)):
                yield
        else:
            yield
        self._console.print(f"[green]✓[/] {escape(sentence)} [dim]{time.monotonic() - started:.1f} s[/]")

    @contextmanager
    def progress(self, sentence: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar on a terminal, a step elsewhere; call with the number done so far."""
        if not self._console.is_terminal:
            with self.step(f"{sentence} ({total})"):
                yield lambda done: None
            return
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task(escape(sentence), total=total)
            started = time.monotonic()
            yield lambda done: bar.update(task, completed=done)
        self._console.print(f"[green]✓[/] {escape(sentence)} [dim]{time.monotonic() - started:.1f} s[/]")

    def show(self, title: str, text: str) -> None:
        """What a command said."""
        self._console.print(f"[bold]$ {escape(title)}[/]")
        for line in text.rstrip().splitlines():
            self._console.print(Text("    ").append_text(Text.from_ansi(line)), soft_wrap=True)
