"""What a figure says of its budget, and how figures look in the table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.__main__ import BENCHES, main
from tests.bench.figures import Figure, document, number, table
from tests.bench.measuring import Span, paired, quantile


@pytest.mark.parametrize(("figure", "ratio", "verdict"), [
    (Figure("slow", 3.0, "s", 2.0), 1.5, "missed"),
    (Figure("quick", 1.0, "s", 2.0), 0.5, "met"),
    (Figure("exact", 2.0, "s", 2.0), 1.0, "met"),
    (Figure("rate", 40.0, "/s", 20.0, at_least=True), 0.5, "met"),
    (Figure("low rate", 10.0, "/s", 20.0, at_least=True), 2.0, "missed"),
    (Figure("writes", 0.0, "B", 0.0), 0.0, "met"),
    (Figure("one write", 1.0, "B", 0.0), float("inf"), "missed"),
    (Figure("for its own sake", 1.0, "s"), None, ""),
])
def test_a_figure_is_judged_by_its_budget(figure: Figure, ratio: float | None, verdict: str) -> None:
    assert (figure.ratio, figure.verdict) == (ratio, verdict)


@pytest.mark.parametrize(("cpu", "others", "verdict"), [
    (1.5, 0.6, "unclear"),              # others had the machine, and the work itself fits
    (1.5, 0.1, "missed"),               # nobody was in the way: it waited for something else
    (2.5, 0.6, "missed"),               # the work itself is too much
    (None, 0.6, "missed"),
])
def test_a_miss_is_unclear_only_when_others_took_the_time(
    cpu: float | None, others: float, verdict: str
) -> None:
    assert Figure("work", 3.0, "s", 2.0, cpu=cpu, others=others).verdict == verdict


def test_the_table_has_a_line_for_every_figure() -> None:
    lines = table([
        Figure("validate", 1.234, "s", 2.0, cpu=1.1, others=0.25, reference=0.1), Figure("memory", 54.0, "MB"),
    ]).splitlines()

    assert lines[0].split() == ["what", "figure", "budget", "used", "cpu", "reference", "others", "verdict"]
    assert " ".join(lines[2].split()) == "validate 1.23 s <= 2.00 s 62% 1.10 s x 12.3 25% met"
    assert lines[3].split() == ["memory", "54.0", "MB"]


def test_programs_get_the_verdict_too() -> None:
    found = document([Figure("validate", 1.0, "s", 2.0)])[0]

    assert (found["what"], found["value"], found["ratio"], found["verdict"]) == ("validate", 1.0, 0.5, "met")


@pytest.mark.parametrize(("value", "text"), [(0.1234, "0.123"), (1.234, "1.23"), (12.34, "12.3"), (12345.6, "12,346")])
def test_numbers_have_three_digits_that_mean_something(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("share", "found"), [(0.5, 5.0), (0.95, 10.0), (1.0, 10.0), (0.0, 1.0)])
def test_a_quantile_is_one_of_the_values(share: float, found: float) -> None:
    assert quantile([float(n) for n in range(10, 0, -1)], share) == found


def test_a_span_counts_the_work_of_this_process() -> None:
    with Span() as span:
        sum(range(200_000))

    assert 0 < span.cpu <= span.wall * 1.5
    assert span.others >= 0


def test_a_command_that_fails_is_no_figure() -> None:
    with pytest.raises(RuntimeError, match="ended with 1"):
        paired({"false": ["false"]}, {}, 1)


def test_a_benchmark_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(["languages"])

    assert ending.value.code == 2
    assert "there is no benchmark languages" in capsys.readouterr().err


def test_one_that_cannot_be_measured_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> list[Figure]:
        raise RuntimeError("the fleet is not there")

    monkeypatch.setitem(BENCHES, "plan", broken)  # type: ignore[arg-type]  # a dict behind its Mapping
    monkeypatch.setitem(BENCHES, "push", lambda _: [Figure("push", 3.0, "s", 2.0)])  # type: ignore[arg-type]
    code = main(["plan", "push", "--json", str(tmp_path / "figures.json")])
    said = capsys.readouterr()

    assert code == 1
    assert "plan could not be measured: RuntimeError: the fleet is not there" in said.err
    assert "push: push" in said.out
    assert json.loads((tmp_path / "figures.json").read_text())["figures"][0]["verdict"] == "missed"
