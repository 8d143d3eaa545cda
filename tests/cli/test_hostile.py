"""Text from devices, repositories and servers cannot reach the terminal as anything but letters."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gurucli.clean import clean, shorten, width
from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import Authority, Double, problem

HOSTILE = (
    "[bold red]x[/] [/]oops \x1b[31mred\x1b[0m\x1b]0;title\x07\x1b]8;;http://x\x1b\\ \x9b2J \u202egnp\u2066 "
    "\u200b\x00 tab\tline\nnext\rback \u2028 \U000e0041 `$(reboot)` \x7f"
)
BAD = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e0fff]")
LOOKING = {
    "device list": ("device", "list"), "device show": ("device", "show", "web01"), "status": ("status",),
    "device facts": ("device", "facts", "web01"), "alert list": ("alert", "list"), "whoami": ("whoami",),
    "explain": ("explain", "web01", "checks.disk"), "plan": ("plan", "--revision", canned.REVISION), "sync": ("sync",),
    "revision list": ("revision", "list"), "token list": ("enroll", "token", "list"), "doctor": ("doctor",),
    "token create": ("enroll", "token", "create", "--customer", "a", "--site", "b"),
    "audit list": ("audit", "list"), "audit export": ("audit", "export"), "audit verify": ("audit", "verify"),
    "override list": ("override", "list"), "override rm": ("override", "rm", "0123456789abcdef"),
    "override set": ("override", "set", "web01", "a.b=c", "--ttl", "1h", "--reason", "r"), "drift": ("drift",),
    "alert show": ("alert", "show", "a1"), "alert ack": ("alert", "ack", "a1"), "maint list": ("maint", "list"),
    "maint start": ("maint", "start", "-l", "x", "--duration", "1h", "--reason", "y"),
    "maint end": ("maint", "end", "maint-1"),
    "label": ("device", "label", "web01", "a=b"), "api": ("api", "GET", "/devices"),
    "run": ("run", "-l", "a=b", "--yes", "--max-devices", "2", "uptime"), "job list": ("job", "list"),
    "job show": ("job", "show", canned.JOB), "job output": ("job", "output", canned.JOB, "web01"),
    "job watch": ("job", "watch", canned.JOB), "vpn": ("vpn", "diagnose", "vpn01"), "script list": ("script", "list"),
    "script show": ("script", "show", "clear-temp"), "session list": ("session", "list"),
    "session revoke": ("session", "revoke", "s1"), "user list": ("user", "list"),
    "user invite": ("user", "invite", "ada"),
    "user lock": ("user", "lock", "ada", "--reason", "x"), "mfa setup": ("mfa", "setup", "--code", "1"),
    "mfa recovery": ("mfa", "recovery", "--code", "1"),
}


@pytest.mark.parametrize("form", ["table", "wide", "tsv", "csv", "name", "json", "ndjson", "yaml", "jsonpath=$..*"])
@pytest.mark.parametrize("verb", LOOKING)
def test_no_format_lets_a_control_character_through(
    verb: str, form: str, guru: Guru, double: Double, authority: Authority
) -> None:
    double.answers |= canned.answers(authority, HOSTILE)

    result = guru(*LOOKING[verb], "-o", form, columns=100, no_color=True)

    assert result.code in (0, 1), result.err
    written = result.out.replace("\t", "") if form == "tsv" else result.out
    assert not BAD.search(written), repr(BAD.search(written))
    assert not BAD.search(result.err)


@pytest.mark.parametrize("form", ["table", "tsv", "csv", "name"])
def test_a_line_break_in_a_name_makes_no_second_row(
    form: str, guru: Guru, double: Double, authority: Authority
) -> None:
    double.answers |= canned.answers(authority, HOSTILE)

    lines = guru("device", "list", "-o", form).out.splitlines()

    assert len(lines) == 2 + (form in ("table", "csv"))


def test_markup_in_a_name_is_shown_as_it_is(guru: Guru, double: Double) -> None:
    double.answers["GET /devices"] = {"items": [canned.device("srv[prod]").model_dump()], "total": 1, "next": None}

    assert "srv[prod]" in guru("device", "list", columns=120).out


def test_json_and_yaml_keep_the_data_behind_escapes(guru: Guru, double: Double) -> None:
    double.answers["GET /devices"] = {"items": [canned.device(HOSTILE).model_dump()], "total": 1, "next": None}

    assert json.loads(guru("device", "list", "-o", "json").out)["items"][0]["name"] == HOSTILE
    assert yaml.safe_load(guru("device", "list", "-o", "yaml").out)["items"][0]["name"] == HOSTILE


def test_an_error_of_the_server_is_cleaned_too(guru: Guru, double: Double) -> None:
    double.answers["GET /status"] = problem(500, f"G0001{HOSTILE}", HOSTILE, 1, hint=HOSTILE, requestId=HOSTILE)

    assert not BAD.search(guru("status").err)


def test_a_spreadsheet_gets_no_formula(guru: Guru, double: Double) -> None:
    name = '=HYPERLINK("http://x","y")'
    double.answers["GET /devices"] = {"items": [canned.device(name).model_dump()], "total": 1, "next": None}

    line = guru("device", "list", "-o", "csv", "--fields", "name").out.splitlines()[1]

    assert line == '"\'=HYPERLINK(""http://x"",""y"")"'


@given(st.text())
def test_clean_text_is_printable_and_stays_as_it_is(text: str) -> None:
    once = clean(text)

    assert clean(once) == once
    assert not BAD.search(once)
    assert "\n" not in once
    assert all(unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp") for char in once)


@given(st.text(), st.integers(1, 40))
def test_shortened_text_fits(text: str, columns: int) -> None:
    assert width(shorten(clean(text), columns)) <= columns


def test_letters_of_every_script_stay() -> None:
    text = "Žluťoučký kůň 東京 مرحبا नमस्ते 🙂"

    assert clean(text) == text
