"""What helps when a device did not do what was asked of a file: a hint by the words that it said. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from guru_policy.errors import GuruError

_ADVICE = (
    ("is there already, and stays", "--replace replaces it; a large file is not sent to the server again"),
    ("there is no folder for", "`guru ls` shows which folders are there; `guru run` or a policy makes one"),
    ("is a folder", "files are copied one by one; `guru ls` lists what is in it"),
    ("is a link", "name what it leads to; `guru ls` shows that"),
    ("there is no room for", "make room there, or copy to another disk"),
    ("the disk is full", "make room there, and run the command again"),
    ("no room for more", "wait until other copies are over; whoever runs the server can raise transfers.all"),
    ("bytes is transferred", "whoever runs the server can raise transfers.largest"),
    ("changed while it was read", "copy it when nothing writes to it; `guru tail` reads a log that grows"),
    ("is another one", "the file changed since the copy began: run the command again"),
    ("what arrived is not what the file is now", "the file changed meanwhile: run the command again"),
    ("which you may not", "`guru can file.get DEVICE` and `guru can file.put DEVICE` say why"),
    ("is no regular file", "only regular files are copied"),
    ("there is no /", "`guru ls` lists what is in its folder"),
)


@contextmanager
def advised() -> Iterator[None]:
    """Give an error that leaves it the hint that its words ask for."""
    try:
        yield
    except GuruError as error:
        error.hint = advice(str(error)) or error.hint
        raise


def advice(words: str) -> str:
    """The hint; empty when none is known for these words."""
    return next((hint for part, hint in _ADVICE if part in words), "")
