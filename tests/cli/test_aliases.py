"""Short words for longer command lines: put into full once, and never in a command's place."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gurucli import contexts
from gurucli.environment import Environment
from tests.cli.conftest import Guru
from tests.cli.double import Double


def test_an_alias_runs_its_line_with_what_stands_behind_it(guru: Guru, double: Double) -> None:
    told = guru("hq", "-o", "json")

    assert told.code == 0, told.err
    assert "items" in json.loads(told.out)
    assert double.asked[0].query["selector"] == "site=hq"


def test_options_of_every_command_may_stand_before_an_alias(guru: Guru) -> None:
    assert json.loads(guru("-o", "json", "hq").out)["apiVersion"] == "guru/v1"


def test_quotes_in_a_line_keep_words_together(guru: Guru, environment: Environment) -> None:
    assert guru("alias", "set", "cols", "device list --fields 'name, state'").code == 0

    assert guru("cols", "-o", "csv").out.splitlines()[0] == "name,state"


def test_an_alias_is_put_into_full_once_only(guru: Guru, environment: Environment) -> None:
    config = contexts.load(environment.config)
    contexts.save(environment.config, config.naming({"a": "b", "b": "a", "version": "job list"}))

    assert guru("a").code == 2
    assert "guru 0" not in guru("alias", "list").out
    assert guru("version", "-o", "json").out.count("items") == 0


@pytest.mark.parametrize(("name", "line"), [
    ("device", "job list"), ("help", "job list"), ("server", "job list"), ("Hq", "job list"), ("-x", "job list"),
    ("x", "nothing here"), ("x", "hq"), ("x", ""), ("x", "-o json device list"), ("x", "device list 'open"),
    ("x", "guru device list"), ("x", "device list\nrm"), ("x", "device list " + "x" * 2_000),
])
def test_what_can_be_no_alias_is_refused_and_nothing_is_written(
        name: str, line: str, guru: Guru, environment: Environment) -> None:
    before = environment.config.read_text()

    assert guru("alias", "set", "--", name, line).code == 2
    assert environment.config.read_text() == before


def test_signing_in_and_changing_servers_keeps_aliases(environment: Environment) -> None:
    config = contexts.load(environment.config)
    other = config.with_context(replace(config.named("test"), name="other")).using("test").without("other")
    contexts.save(environment.config, other)

    assert contexts.load(environment.config).aliases == {"hq": "device list -l site=hq"}


def test_help_of_an_alias_is_the_help_of_its_command(guru: Guru, capsys: pytest.CaptureFixture[str]) -> None:
    assert guru("help", "hq").code == 0
    assert "guru device list" in capsys.readouterr().out
