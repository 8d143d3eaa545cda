"""`guru render` shows what the compiler makes of a device, and where from; the folder of --all is kept exact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guru_policy.text.nodes import plain
from guru_policy.text.reading import read_yaml
from gurucli.yaml_text import leaves, yaml_lines
from tests.cli import canned
from tests.cli.conftest import Guru, Result
from tests.cli.double import Double

EXAMPLE = Path(__file__).parents[2] / "examples/small-office"
DEVICES = """\
items:
  - {name: pc01, customer: acme, site: hq, labels: {fact/os: linux}}
  - {name: ../web, customer: acme, site: hq, labels: {op/role: server, op/web: "yes"}}
  - {name: pc01, customer: birch, site: hq}
"""
SCALARS = st.none() | st.booleans() | st.integers(-2**63, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
ODD = ["", "yes", "12:30", "1e3", "0x1f", "~", "a: b", "a #b", "- x", "two\nlines\n", " lead\n", "x\n\n", "<<", "é"]
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20) | st.sampled_from(ODD)
KEYS = TEXT.filter(lambda text: bool(text) and "\n" not in text and "\t" not in text)
DATA = st.recursive(
    SCALARS | TEXT, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12)


@settings(max_examples=400, deadline=None)
@given(data=st.dictionaries(KEYS, DATA, min_size=1, max_size=4))
def test_any_data_reads_back_the_same_with_remarks_on_every_leaf(data: dict[str, object]) -> None:
    remarks = dict.fromkeys(leaves(data), "org/a.yaml:1 (org)")  # type: ignore[arg-type]

    text = "\n".join(yaml_lines(data, remarks)) + "\n"  # type: ignore[arg-type]
    reading = read_yaml("a.yaml", text.encode())

    assert reading.faults == (), text
    assert plain(reading.documents[0]) == data, text


@pytest.fixture
def inventory(tmp_path: Path) -> str:
    path = tmp_path / "devices.yaml"
    path.write_text(DEVICES)
    return str(path)


@pytest.fixture
def render(guru: Guru, inventory: str) -> Guru:
    def go(*words: str) -> Result:
        return guru("render", *words, "--revision", f"{EXAMPLE}/", "--inventory", inventory)

    return go


def test_values_come_with_the_place_that_decided(render: Guru) -> None:
    shown = render("acme/hq/../web", "--provenance")

    assert shown.code == 0
    assert "    warning: 75.0  # customers/acme/policies/practice.yaml:7:21 (customer acme)\n" in shown.out
    assert "  heartbeat: 60  # built-in\n" in shown.out
    reading = read_yaml("x.yaml", shown.out.encode())
    assert reading.faults == ()


def test_json_holds_the_same_and_the_bundles_digest(render: Guru) -> None:
    document = json.loads(render("birch/hq/pc01", "--provenance", "-o", "json").out)

    assert document["checks"]["disk"]["warning"] == 85.0
    assert document["provenance"]["checks.disk.warning"].startswith("org/policies/baseline.yaml:")
    assert len(document["bundle"]) == 64


def test_a_name_that_several_have_must_be_whole(render: Guru) -> None:
    assert render("pc01").code == 10
    assert render("nobody").code == 5


def test_all_devices_get_a_file_that_stays_inside_the_folder(render: Guru, tmp_path: Path) -> None:
    out = tmp_path / "rendered"

    assert render("--all", "-d", str(out)).code == 0
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*.yaml"))
    assert found == ["acme/hq/%2E.%2Fweb.yaml", "acme/hq/pc01.yaml", "birch/hq/pc01.yaml"]


def test_a_stale_file_goes_and_the_others_are_not_written_again(render: Guru, tmp_path: Path) -> None:
    out = tmp_path / "rendered"
    render("--all", "-d", str(out))
    before = (out / "acme/hq/pc01.yaml").stat().st_mtime_ns

    again = render("--all", "-d", str(out), "-l", "customer=acme,!role")

    assert again.err.strip().endswith("0 written, 2 removed")
    assert [str(path.relative_to(out)) for path in out.rglob("*.yaml")] == ["acme/hq/pc01.yaml"]
    assert (out / "acme/hq/pc01.yaml").stat().st_mtime_ns == before


def test_a_folder_with_other_things_is_left_alone(render: Guru, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/a.yaml").write_text("mine")

    assert render("--all", "-d", str(tmp_path / "mine")).code == 9
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["a.yaml"]


def test_the_device_comes_from_the_server_when_no_file_names_it(guru: Guru, double: Double) -> None:
    double.answers["GET /devices/web01"] = canned.detail().model_copy(update={"labels": {"op/role": "server"}})

    shown = guru("render", "web01", "--revision", f"{EXAMPLE}/", "-o", "json")

    assert shown.code == 0, shown.err
    assert "support-account" in json.loads(shown.out)["resources"]


@pytest.mark.parametrize("text", [
    "items: 3", "[]x", "- a", "items: [{name: a, customer: acme}]", "items: [{name: a, customer: ../x, site: hq}]",
    '{"items": [{"name": "a", "customer": "acme", "site": "hq", "labels": {"fact/x": []}}]}',
    "items: [{name: a, customer: acme, site: hq}, {name: A, customer: acme, site: hq}]", "a: [", ""])
def test_an_inventory_that_is_none_is_refused(text: str, guru: Guru, tmp_path: Path) -> None:
    (tmp_path / "bad").write_text(text)

    assert guru("render", "a", "--revision", f"{EXAMPLE}/", "--inventory", str(tmp_path / "bad")).code == 10
