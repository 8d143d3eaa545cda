"""A picture that kinds show: a file of the repository, or an https address. It looks at no picture."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from guru_policy.machine import read_source
from guru_policy.model import wrong
from guru_policy.quantities import shape, shown

ENDINGS = (".png", ".svg", ".ico", ".icns")


def _icon(text: str) -> str:
    if "://" in text:
        if not text.startswith("https://") or not text.isascii() or not text.isprintable() or " " in text:
            raise wrong(f"{shown(text)} is not an https address", hint="or name a file such as files/logo.png")
        return text
    if not text.lower().endswith(ENDINGS):
        raise wrong(f"{shown(text)} is not a picture", hint="a file that ends with " + ", ".join(ENDINGS))
    return read_source(text)


Icon = Annotated[str, AfterValidator(_icon), StringConstraints(min_length=1, max_length=1000), shape("picture")]
"""A `.png`, `.svg`, `.ico` or `.icns` in the repository, or an https address."""


def files_of(icon: str | None) -> tuple[str, ...]:
    """The file of the repository behind an icon, if it is one."""
    return (icon,) if icon and "://" not in icon else ()
