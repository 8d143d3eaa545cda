"""What is in force comes out of a real server and into repositories, and a plan then finds nothing to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools.lab.world import World, wait_until

pytestmark = pytest.mark.e2e

TACTICAL = Path(__file__).parents[1] / "cli" / "importing" / "tactical"


def nothing_to_do(world: World, folder: Path) -> bool:
    """Whether a plan of the folder changes no object and no device, and has neither faults nor guards."""
    plan = world.ask("plan", str(folder))
    assert isinstance(plan, dict)
    return not any(plan[key] for key in ("objects", "affected", "faults", "guards", "held"))


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file() and ".git" not in path.parts}


def test_an_export_is_in_force_at_a_fresh_server_with_nothing_to_do(world: World, tmp_path: Path) -> None:
    world.enrol("acme-pc01", "acme", "hq")
    wait_until("the device has its bundle", lambda: nothing_to_do(world, world.remote.work))
    out = tmp_path / "exported"
    world.guru("export", "-d", str(out))
    again = World(tmp_path / "fresh")
    try:
        again.remote.create(out)
        again.prepare()
        again.start_server()
        again.sign_in()
        again.guru("sync", "--wait", "--timeout", "60s")

        assert {path: data for path, data in files_in(out).items() if path != ".guru/inventory.json"} == files_in(
            world.remote.work)
        assert nothing_to_do(world, out)
        assert nothing_to_do(again, out)
        assert world.guru("render", "acme-pc01", "--revision", f"{out}/", "--inventory",
                          str(out / ".guru/inventory.json")).exit_code == 0
    finally:
        again.stop()


def test_what_a_server_has_comes_into_a_repository_that_lacks_some_of_it(world: World, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(world.remote.work, mine, ignore=shutil.ignore_patterns(".git", "birch", "alerts.yaml", "files"))
    customer = mine / "customers/acme/customer.yaml"
    customer.write_text("# ours\n" + customer.read_text())
    before = world.guru("import", "server", "-d", str(mine))
    world.guru("import", "server", "-d", str(mine), "--write")

    assert "--write" in before.err
    assert customer.read_text().startswith("# ours\n")
    assert nothing_to_do(world, mine)
    customer.write_text(customer.read_text().replace("spec:", "spec:\n  mode: observe"))
    refused = world.guru("import", "server", "-d", str(mine), "--write", check=False)
    assert refused.exit_code == 9
    world.guru("import", "server", "-d", str(mine), "--write", "--overwrite")
    assert nothing_to_do(world, mine)


def test_a_held_customer_is_exported_as_its_devices_have_it(world: World, tmp_path: Path) -> None:
    world.remote.push("Break birch", {"customers/birch/broken.yaml": "kind: Polcy\n", "org/note.txt": "new\n"})
    world.guru("sync", check=False)
    world.guru("export", "-d", str(tmp_path / "out"))

    assert "customers/birch/broken.yaml" not in files_in(tmp_path / "out")
    assert (tmp_path / "out/org/note.txt").read_text() == "new\n"
    assert nothing_to_do(world, tmp_path / "out")


def test_a_tactical_export_comes_into_force(world: World, tmp_path: Path) -> None:
    fleet = World(tmp_path / "migrated")
    try:
        world.guru("import", "tactical", str(TACTICAL), "-d", str(tmp_path / "made"), "--write")
        fleet.remote.create(tmp_path / "made")
        fleet.prepare()
        fleet.start_server()
        fleet.sign_in()
        done = fleet.guru("sync", "--wait", "--timeout", "60s")
        fleet.enrol("server-1", "harbour-dental-co", "quay-4")

        assert done.exit_code == 0
        wait_until("the device has its bundle", lambda: nothing_to_do(fleet, tmp_path / "made"))
        assert fleet.guru("import", "server", "-d", str(tmp_path / "made")).err.endswith("there is nothing to write\n")
    finally:
        fleet.stop()
