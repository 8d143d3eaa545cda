"""What must not be in the repository: addresses of registries, places of one machine, promises, secrets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.arch.sources import ROOT, files

REGISTRIES = (
    "pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "deb.debian" + ".org", "crates" + ".io",
)
FORBIDDEN = {
    "the address of a package registry": "|".join(re.escape(name) for name in REGISTRIES),
    "a path of one machine": r"(?<![\w./-])/(?:work|root)/[\w.]+|/home/[a-z]+/(?:src|work|code)|/tmp/uvv",
    "a promise": r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b",
    "a private key": "-----BEGIN [A-Z ]*PRIVATE" + " KEY-----",
    "a secret": r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[abp]-[0-9A-Za-z-]{20,}|"
    r"AGE-SECRET-KEY-1[0-9A-Z]{50,}|glpat-[\w-]{20})",
    "the mark of a merge conflict": r"^(?:<{7}|>{7}) ",
}


def readable() -> list[Path]:
    return [path for path in files() if b"\0" not in path.read_bytes()[:4096] and path != Path(__file__)]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds_(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    found = {
        f"{path.relative_to(ROOT)}: {hit[0][:60]}"
        for path in readable()
        for hit in pattern.finditer(path.read_text(errors="replace"))
    }

    assert found == set()


def test_the_lock_names_versions_and_hashes_only() -> None:
    lock = (ROOT / "requirements.lock").read_text()

    assert not re.search(r"https?:|--(?:extra-)?index-url|--find-links|file:| @ ", lock)
    for package in re.split(r"\n(?=\S)", lock.split("\n", 1)[1]):
        assert "--hash=sha256:" in package, package[:60]
        assert re.match(r"[a-z0-9.\[\],_-]+==\S+", package), package[:60]


def test_scripts_can_be_run() -> None:
    assert all(path.stat().st_mode & 0o111 for path in (ROOT / "tools").glob("*.sh"))
