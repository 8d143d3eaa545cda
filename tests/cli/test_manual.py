"""The manual pages: one for each command, and every letter as it was written."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from gurucli.catalogue import VERBS
from gurucli.manual import escaped, page_name, pages
from tests.cli.conftest import Guru


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pages, in a folder."""
    folder = tmp_path_factory.mktemp("man")
    for name, text in pages():
        (folder / name).write_text(text)
    return folder


def shown(*pages: Path) -> str:
    """What a terminal shows of pages."""
    done = subprocess.run(["groff", "-Kutf8", "-man", "-ww", "-Tutf8", "-P-cbou", "-rLL=200n", *map(str, pages)],
                          capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout


def test_every_command_has_its_page(manual: Path) -> None:
    assert {page.name for page in manual.iterdir()} == {"guru.1", *(f"{page_name(verb)}.1" for verb in VERBS)}


def test_pages_hold_no_request_and_no_escape_but_those_of_the_man_macros(manual: Path) -> None:
    text = "".join(page.read_text() for page in manual.iterdir())

    assert set(re.findall(r"^[.'].*?(?=[ \n])", text, re.MULTILINE)) == {
        ".TH", ".SH", ".PP", ".TP", ".nh", ".ad", ".in", ".nf", ".fi"}
    assert set(re.findall(r"\\(?:\(..|f.|.)", text)) <= {
        "\\(rs", "\\(aq", "\\(ga", "\\(ha", "\\(ti", "\\(dq", "\\-", "\\&", "\\fB", "\\fR"}


@pytest.mark.parametrize("text", [".so /etc/passwd", "'br", "\\X'sh'", "a -- b 'c' `d` ^~ \"e\"", "\\n(.k", "ü → €"])
def test_any_text_is_shown_letter_for_letter(text: str, tmp_path: Path) -> None:
    page = tmp_path / "x.1"
    page.write_text(f".TH X 1\n.SH\nNAME\n{escaped(text)}\n")

    assert text in shown(page)


def test_groff_shows_every_page_without_a_warning(manual: Path) -> None:
    assert shown(*sorted(manual.iterdir())).count("\nEXAMPLES\n") == 1 + len(VERBS)


def test_a_page_shows_examples_options_and_its_neighbours(manual: Path) -> None:
    text = shown(manual / "guru-query.1")

    assert "guru query \"select name, pid, rss from processes where rss > 1e9 order by rss desc\" -l site=hq" in text
    assert "--reduce SQL" in text
    assert "guru-device-show(1)" in shown(manual / "guru-device-list.1")


def test_man_finds_what_was_written_at_home(guru: Guru, home: Path) -> None:
    assert guru("man").code == 0

    done = subprocess.run(["man", "-M", str(home / ".local/share/man"), "guru-alias-set"], capture_output=True,
                          text=True, timeout=60, env={"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"})
    assert "guru alias set hq" in done.stdout, done.stderr
