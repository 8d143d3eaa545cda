"""A plan on paper: devices that get the same stand together, and only what somebody wrote is told."""

from __future__ import annotations

from typing import Any

import pytest

from guru_wire.operator import DeviceChange, FieldChange
from guru_wire.planning import Impact
from gurucli.plan_groups import natural
from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import Double


def field(path: str, after: object, **more: Any) -> FieldChange:
    return FieldChange(path=path, after=after, from_absent=True, **more)


HOURS = (
    field("resources.hours.after", [], default=True),
    field("resources.hours.content", "9 to 18\n", why="org/hours.yaml:9"),
    field("resources.hours.digest", None, default=True),
    field("resources.hours.kind", "file", why="org/hours.yaml:7"),
)


def changes(*names: str, site: str = "hq", fields: tuple[FieldChange, ...] = HOURS) -> list[DeviceChange]:
    return [DeviceChange(device=f"{index:032x}", name=name, customer="birch", site=site, online=True, fields=fields)
            for index, name in enumerate(names)]


@pytest.fixture
def planned(guru: Guru, double: Double) -> Any:
    """`planned(devices, *options)`: what `guru plan` prints on a terminal of 100 columns."""

    def go(devices: list[DeviceChange], *options: str, columns: int = 100) -> str:
        count = len(devices)
        plan = canned.plan(devices=tuple(devices), affected=count, offline=0, by_customer={"birch": count})
        double.answers["POST /plans"] = plan
        return str(guru("plan", "--revision", "9f31c2e", "--color", "never", *options, columns=columns).out)

    return go


def test_devices_that_get_the_same_stand_together_and_their_fields_once(planned: Any) -> None:
    out = planned(changes(*(f"birch-{n}" for n in range(1, 51))))

    assert "birch-1 … birch-50  (50 devices, birch/hq)" in out
    assert out.count("resources.hours") == 1


def test_few_devices_are_named_one_by_one(planned: Any) -> None:
    assert "birch-2, birch-10  (2 devices, birch/hq)" in planned(changes("birch-10", "birch-2"))


def test_devices_that_get_something_else_stand_apart(planned: Any) -> None:
    other = (field("checks.disk.kind", "disk_space", why="org/a.yaml:3"),)

    out = planned(changes("birch-1", "birch-2") + changes("birch-3", fields=other))

    assert out.index("birch-1, birch-2") < out.index("+ resources.hours") < out.index("birch-3")
    assert out.index("birch-3") < out.index("+ checks.disk")


def test_what_nobody_wrote_of_a_new_item_is_told_only_when_asked_for(planned: Any) -> None:
    assert "digest" not in planned(changes("birch-1"))
    assert "digest" in planned(changes("birch-1"), "-o", "wide")
    assert '"resources.hours.digest"' in planned(changes("birch-1"), "-o", "json")


def test_a_new_item_names_its_file_and_shows_line_ends_as_written(planned: Any) -> None:
    lines = [line.strip() for line in planned(changes("birch-1")).splitlines()]

    assert "+ resources.hours  file  org/hours.yaml:7" in lines
    assert 'content  "9 to 18\\n"' in lines


def test_an_item_that_goes_is_one_line(planned: Any) -> None:
    gone = tuple(FieldChange(path=f"resources.hours.{name}", before=value, to_absent=True)
                 for name, value in (("content", "x"), ("kind", "file"), ("path", "/etc/hours")))

    out = planned(changes("birch-1", fields=gone))

    assert "- resources.hours  file" in out
    assert "content" not in out


def test_a_change_that_is_too_long_for_the_terminal_has_its_values_below(planned: Any) -> None:
    before, after = "9 to 18 " * 5, "9 to 20 " * 5
    long = (FieldChange(path="resources.hours.content", before=before, after=after, why="org/a.yaml:9"),)

    lines = planned(changes("birch-1", fields=long), columns=80).splitlines()

    assert "    ~ resources.hours.content  org/a.yaml:9" in lines
    assert max(map(len, lines)) <= 80


def test_wide_names_every_device(planned: Any) -> None:
    out = planned(changes(*(f"birch-{n}" for n in range(1, 12))), "-o", "wide")

    assert all(f"birch-{n}  birch/hq" in out for n in range(1, 12))


def test_a_comment_on_a_pull_request_tells_fields_once(planned: Any) -> None:
    out = planned(changes(*(f"birch-{n}" for n in range(1, 51))), "-o", "markdown=-")

    assert out.count("`resources.hours`") == 1
    assert "`birch-1 … birch-50` (50 devices, birch/hq, online)" in out
    assert "digest" not in out


def test_whom_it_concerns_is_three_lines_with_the_most_devices_first(guru: Guru, double: Double) -> None:
    sites = [Impact(by="site", name=f"birch/site-{n}", devices=n, offline=int(n == 40)) for n in range(1, 41)]
    double.answers["POST /plans"] = canned.plan(affected=820, offline=1, impact=(
        Impact(by="customer", name="birch", devices=820, offline=1), *sites,
        Impact(by="group", name="servers", devices=3, offline=0)))

    lines = guru("plan", "--revision", canned.REVISION, "--color", "never", columns=80).out.splitlines()

    assert "  820 devices, 1 of them offline" in lines
    assert "  customers  birch 820 (1 offline)" in lines
    assert "  sites      birch/site-40 40 (1 offline), birch/site-39 39 and 38 others" in lines
    assert "  groups     servers 3" in lines


def test_names_are_put_in_the_order_people_count() -> None:
    assert sorted(["b-10", "b-2", "a9", "b-1"], key=natural) == ["a9", "b-1", "b-2", "b-10"]


def test_every_plan_says_what_is_overridden_and_what_that_hides(guru: Guru, double: Double) -> None:
    double.answers["POST /plans"] = canned.plan(overridden=3)
    out = guru("plan", "--revision", "9f31c2e", "--color", "never", columns=120).out

    assert "Overrides in force" in out
    assert "acme/hq/web01  checks.disk.warning = 80%  ada, ends in" in out
    assert "hides spec.checks.disk.warn  90% → 95%  org/a.yaml:3" in out
    assert "and 2 more; `guru override list` shows them" in out
    assert out.splitlines()[-1].endswith("3 overrides in force.")


def test_one_that_would_not_fit_says_why(guru: Guru, double: Double) -> None:
    row = canned.plan().overrides[0].model_copy(update={"unfit": "enforced by org/lock.yaml:5:13", "masks": ()})
    double.answers["POST /plans"] = canned.plan(overrides=(row,))

    assert "would not fit: enforced by org/lock.yaml:5:13" in guru("plan", "--revision", "9f31c2e", columns=120).out


def test_a_plan_without_changes_stays_one_line_and_counts_them(guru: Guru, double: Double) -> None:
    double.answers["POST /plans"] = canned.plan(objects=(), devices=(), affected=0, offline=0)
    out = guru("plan", "--revision", "9f31c2e", "--color", "never", columns=120).out

    assert out.splitlines() == ["No changes: every device has what 71aa0b3 says. 1 override in force."] or (
        len(out.splitlines()) == 1 and "1 override in force." in out)
