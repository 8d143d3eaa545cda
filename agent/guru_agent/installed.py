"""Compares the agent's own files with what its installer wrote down (RECORD files). It changes none of them.

It finds accidents and lazy attackers. Who is root can change the lists, or this program, as well.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from guru_agent.host.programs import run_program
from guru_agent.logs import plain
from guru_policy.errors import GuruError

NAME = "guru-agent"
SITE = Path(__file__).parents[1]        # the folder that holds this program's packages
MOST_FILES = 50_000
MOST_LIST = 16 << 20                    # bytes of one RECORD
MOST_NAMES = 1_000                      # told of what differs
LONGEST = 300.0                         # seconds
PIECE = 1 << 18
CODE = frozenset({".py", ".so", ".pth", ".pyc"})
STARTED_BY_ALL = ("sitecustomize.py", "usercustomize.py")       # Python runs these whatever is started
_NEEDED = re.compile(r"^Requires-Dist: *([A-Za-z0-9][A-Za-z0-9._-]*)([^\n]*)$", re.M)
_EDITABLE = re.compile(rb'"editable"\s*:\s*true')


class Installed(NamedTuple):
    """What was found. `digest` names the code as it should be: equal builds, equal digests."""

    files: int
    digest: str
    differing: tuple[str, ...]          # names below the packages' folder: altered, missing or added; sorted
    in_place: bool = False              # it runs from a working copy: nobody knows what that should be


class _Package(NamedTuple):
    folder: Path
    entries: tuple[tuple[str, str], ...]        # name and `sha256=...`, empty for what has none


def inspect(site: Path, name: str = NAME) -> Installed:
    """Compare the package of this name, and all that it needs, below the folder `site`. It blocks.

    GuruError when a list is not readable, or names more than anybody installs.
    """
    try:
        return _inspect(site, name)
    except (OSError, ValueError, csv.Error) as cause:
        raise GuruError(f"cannot read how {name} was installed: {str(cause)[:200]}") from cause


async def inspect_apart() -> Installed:
    """What `inspect` finds of this program, in a process of its own: the lists take room that nothing gives back."""
    argv = (sys.executable, "-P", "-m", "guru_agent.installed")
    try:
        done = await run_program(argv, timeout=LONGEST, env={"PYTHONPATH": os.pathsep.join(sys.path)})
    except (OSError, TimeoutError) as cause:
        raise GuruError("the process that compares this program's files did not end well") from cause
    if done.exit_code != 0:
        raise GuruError(plain(done.stderr.strip(), 300) or "the process that compares this program's files failed")
    found = orjson.loads(done.stdout)
    return Installed(found["files"], found["digest"], tuple(found["differing"]), found["in_place"])


def main() -> int:
    """Be that process."""
    try:
        found = inspect(SITE)
    except GuruError as error:
        sys.stderr.write(error.message)
        return 1
    names = [plain(name, 200) for name in found.differing[:MOST_NAMES]]
    sys.stdout.buffer.write(orjson.dumps({**found._asdict(), "differing": names}))
    return 0


def _inspect(site: Path, name: str) -> Installed:
    folders = {_plain(one.name.split("-", 1)[0]): one for one in sorted(site.glob("*.dist-info"))}
    if name not in folders:
        return Installed(0, "", (), in_place=True)
    packages = [_package(folders[one]) for one in _closure(folders, name)]
    if any(_editable(package) for package in packages):
        return Installed(0, "", (), in_place=True)
    entries = sorted({entry for package in packages for entry in package.entries})
    if len(entries) > MOST_FILES:
        raise ValueError(f"its lists name more than {MOST_FILES} files")
    hashed = [(path, value) for path, value in entries if value]
    differing = {path for path, value in hashed if _hash(site / path) != value}
    differing.update(_added(site, {path for path, _ in entries}, folders))
    code = [f"{value} {path}" for path, value in hashed if ".dist-info/" not in path and not path.startswith("..")]
    return Installed(len(hashed), hashlib.sha256("\n".join(code).encode()).hexdigest(), tuple(sorted(differing)))


def _closure(folders: dict[str, Path], name: str) -> list[str]:
    """The package and those that it needs, as far as they are here."""
    found: list[str] = []
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in found or one not in folders:
            continue
        found.append(one)
        head = _text(folders[one] / "METADATA").split("\n\n", 1)[0]
        waiting += [_plain(needed) for needed, rest in _NEEDED.findall(head) if "extra ==" not in rest]
    return found


def _package(folder: Path) -> _Package:
    rows = [row for row in csv.reader(_text(folder / "RECORD").splitlines()) if row]
    return _Package(folder, tuple((row[0], row[1] if len(row) > 1 else "") for row in rows))


def _editable(package: _Package) -> bool:
    told = package.folder / "direct_url.json"
    return told.is_file() and _EDITABLE.search(told.read_bytes()) is not None


def _added(site: Path, known: set[str], folders: dict[str, Path]) -> Iterator[str]:
    """Code that nobody installed, where Python would run it: among the packages' own, or at every start."""
    tops = {path.split("/", 1)[0] for path in known if "/" in path and path.endswith(".py") and path[0] != "."}
    for top in sorted(tops):
        for path in (site / top).rglob("*"):
            name = path.relative_to(site).as_posix()
            if path.suffix in CODE and name not in known and path.parent.name != "__pycache__":
                yield name
    at_start = {path.name for path in site.glob("*.pth")} | {one for one in STARTED_BY_ALL if (site / one).exists()}
    at_start -= known
    if at_start:
        others = {path for folder in folders.values() for path, _ in _package(folder).entries}
        yield from at_start - others


def _hash(path: Path) -> str:
    """As RECORD writes it (PEP 376); empty when it is not readable."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
    except OSError:
        return ""
    return "sha256=" + base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MOST_LIST + 1)
    if len(data) > MOST_LIST:
        raise ValueError(f"{path.name} is larger than {MOST_LIST} bytes")
    return data.decode()


def _plain(name: str) -> str:
    """As names of packages are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
