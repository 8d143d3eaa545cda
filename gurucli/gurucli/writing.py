"""New files in a folder: all of them or none, never over one that is there, never through a link. It deletes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from guru_policy.errors import Conflict, GuruError

NAMED = 5                               # paths in one message


def write_new(root: Path, files: Mapping[str, str | bytes], executable: frozenset[str] = frozenset()) -> None:
    """Write the files below `root`, which is made when it is not there.

    Conflict, and nothing is written, when one of them exists or a folder on the way is a link or no folder.
    """
    refuse_existing(root, files)
    try:
        for path, content in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
            if path in executable:
                target.chmod(0o755)
    except FileExistsError as cause:
        raise Conflict(f"{cause.filename} came while this was written", hint="look, and start again") from cause
    except OSError as cause:
        raise GuruError(f"{cause.filename} cannot be written: {cause.strerror}") from cause


def refuse_existing(root: Path, files: Mapping[str, object]) -> None:
    """Conflict when a file of this name is there, or would be written through a link."""
    taken = [path for path in files if (root / path).exists() or (root / path).is_symlink()]
    taken += [
        str(folder) for path in files for folder in Path(path).parents
        if folder != Path() and ((root / folder).is_symlink() or (root / folder).is_file())
    ]
    if taken:
        named = sorted(set(taken))
        more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
        raise Conflict(f"{root} has {', '.join(named[:NAMED])}{more} already: nothing was written",
                       hint="choose an empty folder")
