"""An export is exactly what is in force, customer by customer, and gives away nothing else."""

from __future__ import annotations

import base64

import pytest

from guru_policy.errors import Conflict, InputInvalid, NotFound
from guru_policy.tree import git_blob_id
from guru_server.cursors import Paging, read
from guru_server.reconcile import exporting
from guru_server.reconcile.exporting import Exporter
from guru_server.store.schema import TENANT
from guru_wire.exporting import Export
from tests.server.reconcile.conftest import SEED, World, motd

BROKEN = "kind: Polcy\n"


def exporter(world: World) -> Exporter:
    return Exporter(world.db, world.mirror, TENANT)


async def whole(exporter: Exporter) -> tuple[Export, dict[str, bytes]]:
    """The first page, and every file with its content."""
    first = page = await exporter.page(at())
    files = list(page.items)
    while page.next:
        page = await exporter.page(at(page.next))
        files += page.items
    found: dict[str, str] = {}
    while left := [file.blob for file in files if file.blob not in found]:
        found |= (await exporter.contents(first.state, left)).contents
    return first, {file.path: base64.b64decode(found[file.blob]) for file in files}


def at(cursor: str | None = None) -> Paging:
    """Where a page of exports begins."""
    return Paging("exports", read(cursor, "exports") if cursor else None)


async def test_nothing_in_force_is_not_an_empty_export(world: World) -> None:
    with pytest.raises(NotFound):
        await exporter(world).page(at())


async def test_it_holds_every_file_of_the_revision_in_force(world: World) -> None:
    await world.push("More", {"README.md": "# Ours\n", "files/a.bin": b"\0\xff"})

    first, files = await whole(exporter(world))

    assert files == {path: text.encode() for path, text in SEED.items()} | {
        "README.md": b"# Ours\n", "files/a.bin": b"\0\xff"}
    assert [one.note for one in first.customers] == ["", ""]
    assert first.total == len(files)


async def test_a_customer_that_is_held_is_exported_as_it_is_in_force(world: World) -> None:
    await world.sync()
    await world.push("Break acme, change bolt", {
        "customers/acme/bad.yaml": BROKEN, "customers/bolt/base.yaml": motd("base", "bolt 2"), "org/new.txt": "x"})

    first, files = await whole(exporter(world))

    assert "customers/acme/bad.yaml" not in files
    assert files["customers/acme/base.yaml"] == SEED["customers/acme/base.yaml"].encode()
    assert b"bolt 2" in files["customers/bolt/base.yaml"]
    assert files["org/new.txt"] == b"x"
    assert [(one.customer, one.note) for one in first.customers] == [("acme", ""), ("bolt", "")]


async def test_a_customer_with_older_files_of_the_organisation_is_named(world: World) -> None:
    await world.sync()
    await world.push("Break bolt with both", {
        "customers/bolt/bad.yaml": BROKEN,
        "org/base.yaml": "apiVersion: guru/v1\nkind: Policy\nmetadata: {name: base}\nspec:\n"
                         "  enforced: [resources.motd.content]\n"
                         "  resources: {motd: {kind: file, path: /etc/motd, content: org}}\n",
        "customers/acme/base.yaml": motd("base", "org"),
    })
    standing = {one.customer: one for one in (await world.status()).customers}
    page = await exporter(world).page(at())

    assert standing["bolt"].org_revision != page.base
    assert "organisation's files" in next(one.note for one in page.customers if one.customer == "bolt")


async def test_pages_are_of_one_state(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PAGE", 2)
    monkeypatch.setattr(exporting, "MAX_ANSWER", 1)
    await world.sync()
    source = exporter(world)
    first, files = await whole(source)
    await world.push("Move on", {"customers/acme/base.yaml": motd("base", "acme 2")})

    assert set(files) == SEED.keys()
    assert first.next
    with pytest.raises(Conflict):
        await source.page(at(first.next))
    with pytest.raises(Conflict):
        await source.contents(first.state, [first.items[0].blob])


async def test_only_what_is_in_the_export_is_given_away(world: World) -> None:
    await world.push("A secret slip", {"customers/acme/slip.txt": "slip"})
    await world.push("Take it out", {"customers/acme/slip.txt": None})
    source = exporter(world)
    page = await source.page(at())

    with pytest.raises(NotFound):
        await source.contents(page.state, [git_blob_id(b"slip")])
    with pytest.raises(InputInvalid):
        await source.page(at("x.y"))


async def test_what_no_folder_can_hold_is_named_and_left_out(world: World) -> None:
    (world.remote.work / "docs").mkdir()
    (world.remote.work / "docs/link").symlink_to("/etc/passwd")
    (world.remote.work / "docs/run.sh").write_text("#!/bin/sh\n")
    (world.remote.work / "docs/run.sh").chmod(0o755)
    await world.push("A link and a program", {"docs/a.txt": "x"})

    page = await exporter(world).page(at())

    assert [(one.path, one.reason) for one in page.left_out] == [("docs/link", "a symbolic link")]
    assert [file.path for file in page.items if file.executable] == ["docs/run.sh"]
