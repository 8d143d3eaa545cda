"""How old keys are, by the time their files were written. It opens none of them."""

from __future__ import annotations

from pathlib import Path

OLD_DAYS = 3 * 365                      # beyond this a key should be changed
NAMES = ("ca", "tls", "state", "command", "link", "audit", "age")


def ages(folder: Path, now: int) -> list[tuple[str, int]]:
    """The keys that are here, each with its age in days."""
    found = []
    for name in NAMES:
        path = folder / f"{name}.key"
        if path.exists():
            found.append((name, max(0, int(now / 1000 - path.stat().st_mtime) // 86_400)))
    return found
