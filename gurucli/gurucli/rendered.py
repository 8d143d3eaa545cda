"""Rendered bundles in a folder that belongs to them alone: written, and taken away when stale. Nothing else is touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from guru_policy.errors import Conflict, GuruError
from guru_policy.inventory import Device

MARK = ".rendered-by-guru"


def path_of(device: Device) -> str:
    """`customer/site/name.yaml`, with a name that cannot leave its folder."""
    name = quote(device.name, safe="")
    return f"{device.place.customer}/{device.place.site}/{'%2E' + name[1:] if name.startswith('.') else name}.yaml"


def write_all(root: Path, files: Mapping[str, str]) -> tuple[int, int]:
    """Make the folder hold exactly these files; how many were written, and how many removed.

    Conflict for a folder that holds other things and was not made by us, or through a link.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not (root / MARK).exists() and any(root.iterdir()):
            raise Conflict(f"{root} holds other things", hint="choose an empty folder, or one that this command made")
        (root / MARK).write_text("Everything here is written and removed by `guru render --all`.\n", "utf-8")
        stale = {str(path.relative_to(root)): path for path in root.rglob("*.yaml")
                 if path.is_file() and ".git" not in path.parts}
        written = sum(_write(root, path, text) for path, text in files.items())
        gone = [path for name, path in stale.items() if name not in files]
        for path in gone:
            path.unlink()
    except OSError as cause:
        raise GuruError(f"{cause.filename} cannot be written: {cause.strerror}") from cause
    return written, len(gone)


def _write(root: Path, path: str, text: str) -> bool:
    target = root / path
    if any((root / folder).is_symlink() for folder in Path(path).parents if folder != Path()) or target.is_symlink():
        raise Conflict(f"{target} lies behind a link", hint="take the link out")
    data = text.encode()
    if target.is_file() and target.read_bytes() == data:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return True
