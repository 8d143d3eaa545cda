"""A clock that jumps for one program that was started for it. Nobody else's clock is touched."""

from __future__ import annotations

from pathlib import Path

SHIFTED = Path(__file__).parent / "shifted"


class JumpingClock:
    """`environment` is for the program to be started; `jump` moves its time of day while it runs."""

    def __init__(self, file: Path, seconds: int = 0) -> None:
        self._file = file
        self.jump(seconds)

    def jump(self, seconds: int) -> None:
        """From now on the program's clock is this far from the true time; negative: behind."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(seconds))
        fresh.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """What the program must be started with."""
        return {"PYTHONPATH": str(SHIFTED), "GURU_LAB_CLOCK": str(self._file)}
