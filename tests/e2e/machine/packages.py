"""Debian packages made on the spot, in a flat APT repository that needs no network. It installs none."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

SOURCES = "deb [trusted=yes] file:/srv/apt ./\n"


def publish(folder: Path, name: str, version: str, files: Mapping[str, str] | None = None) -> None:
    """Build the package into the repository, with the files at these paths, and write its index anew."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    tree = folder / f"{name}-{version}.build"
    control = {
        "DEBIAN/control": f"Package: {name}\nVersion: {version}\nArchitecture: all\nSection: misc\n"
        "Priority: optional\nMaintainer: Robin Ito <robin@msp.example>\nDescription: made for a test\n",
    }
    for path, content in {**control, **(files or {})}.items():
        target = tree / path
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        target.write_text(content)
        target.chmod(0o755 if path.startswith("DEBIAN/p") else 0o644)
    subprocess.run(
        ["dpkg-deb", "--build", "--root-owner-group", str(tree), str(folder / f"{name}_{version}_all.deb")],
        check=True, capture_output=True, timeout=60,
    )
    shutil.rmtree(tree)
    index(folder)


def withdraw(folder: Path, name: str, version: str) -> None:
    """Take a package out of the repository, as mirrors do with old versions."""
    (folder / f"{name}_{version}_all.deb").unlink()
    index(folder)


def index(folder: Path) -> None:
    """Write the list of packages (Packages, wiki.debian.org/DebianRepository/Format)."""
    stanzas = []
    for package in sorted(folder.glob("*.deb")):
        data = package.read_bytes()
        control = subprocess.run(
            ["dpkg-deb", "--field", str(package)], check=True, capture_output=True, text=True, timeout=60
        ).stdout
        stanzas.append(
            f"{control}Filename: ./{package.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
        )
    (folder / "Packages").write_text("\n".join(stanzas))
