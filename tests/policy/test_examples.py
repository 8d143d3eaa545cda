"""Everything we show people loads and compiles: the examples, the library, the pages of the top-level kinds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from guru_policy.bundle import Bundle, digest_of
from guru_policy.compiling import Compiled, Effective, Sources, compile_customer
from guru_policy.inventory import Device, Place
from guru_policy.kinds import KINDS, models_of
from guru_policy.loading import load
from guru_policy.testing.running import Runner
from guru_policy.tree import MemoryTree
from tests.policy.writing import BASE, device, fleet, policy

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir())
LIBRARY = sorted((ROOT / "policies" / "library").glob("*.yaml"))
PAGES = {kind: re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower() for kind in KINDS}
AROUND: dict[str, bytes | str] = {
    "org/noc.yaml": (
        "apiVersion: guru/v1\nkind: NotificationChannel\nmetadata: {name: noc}\n"
        "spec: {type: email, to: [noc@msp.example]}\n"
    ),
    "org/disks.yaml": policy("disks", "checks: {disk-root: {kind: disk_space}}"),
    "org/secrets/tray-pin.age": "age-encryption.org/v1\n",
}
MACHINE_WIDE = {"apt_package", "systemd_unit", "user"}


def tree_of(folder: Path) -> MemoryTree:
    """An example as it lies in its folder."""
    return MemoryTree(
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    )


def compiled(folder: Path, *devices: Device) -> Compiled:
    """Devices of acme under an example."""
    tree = tree_of(folder)
    found = load(tree)
    digests = {path: digest_of(tree.read(entry)) for path, entry in found.asset_entries().items()}
    return compile_customer(Sources(found, found), "acme", devices, digests)


@pytest.mark.parametrize("folder", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_every_example_loads_without_a_fault_or_warning(folder: Path) -> None:
    assert load(tree_of(folder)).faults == ()


def test_the_small_office_is_safe_in_a_sandbox_unless_a_device_is_labelled_a_server() -> None:
    folder = ROOT / "examples" / "small-office"
    pc = Device("1" * 32, "acme-pc01", Place("acme", "hq"), {"os": "linux"})
    server = Device("2" * 32, "acme-nas01", Place("acme", "hq"), {"os": "linux"}, {"role": "server", "web": "1"})
    result = compiled(folder, pc, server)
    kinds: dict[str, set[str]] = {}
    for one in (pc, server):
        assigned = result.assigned[one.id]
        assert isinstance(assigned, Effective), assigned
        found = Bundle.model_validate_json(result.bundles[assigned.bundle])
        kinds[one.name] = {item.kind for item in found.resources}

    assert kinds["acme-pc01"] == {"file", "directory", "cron_job", "command"}
    assert kinds["acme-nas01"] >= MACHINE_WIDE


@pytest.mark.parametrize("folder", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_the_tests_of_every_example_run_and_hold(folder: Path) -> None:
    tree = tree_of(folder)
    found = load(tree)
    digests = {path: digest_of(tree.read(entry)) for path, entry in found.asset_entries().items()}
    outcomes = Runner(found, digests).run().outcomes

    assert [str(outcome.key) for outcome in outcomes if not outcome.passed] == []
    assert len(outcomes) == sum(key.kind == "Test" for key in found.objects) > 0


def test_the_page_of_tests_shows_one_that_holds() -> None:
    page = (ROOT / "docs" / "testing-policies.md").read_text()
    found = load(MemoryTree(BASE | AROUND | dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", page, re.DOTALL))))
    outcomes = Runner(found, {}).run().outcomes

    assert found.faults == ()
    assert [outcome.failures for outcome in outcomes] == [()] * 5


@pytest.mark.parametrize("path", LIBRARY, ids=[path.stem for path in LIBRARY])
def test_every_ready_made_policy_loads_and_compiles(path: Path) -> None:
    found = fleet({f"org/{path.name}": path.read_text()})
    one = Device("1" * 32, "pc1", Place("acme", "hq"), {"os": "linux"}, {"web": "yes"})
    result = compile_customer(Sources(found, found), "acme", [one], {})

    assert found.faults == ()
    assert isinstance(result.assigned[one.id], Effective)
    assert b'"checks":[{' in next(iter(result.bundles.values()))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_page_of_a_kind_names_every_field_and_its_example_loads(kind: str) -> None:
    page = (ROOT / "docs" / "kinds" / f"{PAGES[kind]}.md").read_text()
    examples = re.findall(r"```yaml\n# (\S+)\n(.*?)```", page, re.DOTALL)
    fields = {
        field.alias or name for model in models_of(kind) for name, field in model.model_fields.items()
    }
    around = {} if kind == "NotificationChannel" else AROUND
    found = load(MemoryTree(BASE | around | dict(examples)))

    assert len(re.findall("```yaml", page)) == len(examples) > 0
    assert found.faults == ()
    assert any(key.kind == kind for key in found.objects)
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == fields


def test_a_page_compiles_for_a_device() -> None:
    page = (ROOT / "docs" / "kinds" / "policy.md").read_text()
    found = load(MemoryTree(BASE | dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", page, re.DOTALL))))
    result = compile_customer(Sources(found, found), "acme", [device(os="linux")], {})

    assert isinstance(result.assigned[device().id], Effective)
