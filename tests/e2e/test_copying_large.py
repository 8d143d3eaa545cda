"""Large files between this machine and real agents: to both by a selector, back from one, and from one to the other."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.lab.office import office, settle
from tools.lab.world import World

pytestmark = pytest.mark.e2e

SIZE = 3 << 20


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with office(tmp_path_factory.mktemp("large")) as made:
        yield made


def test_a_large_file_goes_to_many_devices_comes_back_and_goes_on_to_another(world: World, tmp_path: Path) -> None:
    roots = [settle(world, name).root for name in ("acme-pc01", "acme-pc02")]
    for root in roots:
        (root / "srv").mkdir(exist_ok=True)
    content, file = os.urandom(SIZE + 7), tmp_path / "seed"
    file.write_bytes(content)
    many = ("-l", "name in (acme-pc01,acme-pc02)")
    put = json.loads(world.guru("cp", str(file), *many, ":/srv/", "--yes", "--max-devices", "2", "-o", "json").out)
    arrived = [(root / "srv/seed").read_bytes() == content for root in roots]

    back = json.loads(world.guru("cp", "acme-pc01:/srv/seed", str(tmp_path / "back"), "-o", "json").out)
    world.guru("cp", "acme-pc01:/srv/seed", "acme-pc02:/srv/other")
    stays = world.guru("cp", "acme-pc01:/srv/seed", "acme-pc02:/srv/other", check=False)
    (roots[1] / "srv/seed").unlink()
    some = world.guru("cp", *many, ":/srv/seed", str(tmp_path / "all"), check=False)

    assert (put["job"]["counts"], arrived) == ({"succeeded": 2}, [True, True])
    assert ((tmp_path / "back").read_bytes() == content, back["size"]) == (True, len(content))
    assert (roots[1] / "srv/other").read_bytes() == content
    assert (stays.exit_code, "--replace" in stays.err or "there already" in stays.err) == (1, True)
    assert (some.exit_code, (tmp_path / "all/acme-pc01/seed").read_bytes() == content) == (6, True)
    assert [one.name for root in roots for one in (root / "srv").iterdir() if one.name.startswith(".")] == []
