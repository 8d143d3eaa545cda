"""Two revisions side by side: what changed, what was only renamed, and what may not be deleted unasked."""

from __future__ import annotations

import pytest

from guru_policy.bundle import AgentSettings, Bundle, PlacedCheck
from guru_policy.comparing import FieldChange, device_changes, guard, object_changes
from tests.policy.writing import fleet, policy

MANY: dict[str, bytes | str | None] = {f"org/p{i}.yaml": policy(f"p{i}", "checks: {}") for i in range(40)}


def without(*numbers: int) -> dict[str, bytes | str | None]:
    """MANY with some policies gone."""
    return MANY | dict.fromkeys((f"org/p{i}.yaml" for i in numbers), None)


def test_object_changes_name_every_leaf() -> None:
    old = fleet({"org/a.yaml": policy("a", "checks: {x: {kind: cpu, warning: 50%}}"),
                 "org/b.yaml": policy("b", "checks: {}")})
    new = fleet({"org/a.yaml": policy("a", "checks: {x: {kind: cpu, critical: 99%}}"),
                 "org/c.yaml": policy("c", "mode: observe")})

    changes = {(c.action, c.name): c.fields for c in object_changes(old, new)}
    assert set(changes) == {("change", "a"), ("delete", "b"), ("create", "c")}
    assert changes["change", "a"] == (
        FieldChange("spec.checks.x.critical", None, "99%", from_absent=True),
        FieldChange("spec.checks.x.warning", "50%", None, to_absent=True),
    )


def test_moving_an_object_to_another_file_changes_nothing() -> None:
    assert object_changes(fleet({"org/a.yaml": policy("a", "mode: observe")}),
                          fleet({"org/deep/b.yml": policy("a", "mode: observe")})) == ()


def test_a_rename_is_neither_a_deletion_nor_a_creation() -> None:
    old = fleet({"org/a.yaml": policy("a", "mode: observe")})
    new = fleet({"org/a.yaml": policy("b, renamedFrom: a", "mode: observe")})

    assert [(c.action, c.name) for c in object_changes(old, new)] == [("rename", "b")]
    assert guard(old, new) == ()


def test_a_renamed_customer_takes_its_folders_along() -> None:
    old = fleet({"customers/acme/p.yaml": policy("p", "mode: observe"),
                 "devices/acme/hq/pc1.yaml": policy("pc1", "mode: observe")})
    new = fleet({
        "customers/acme/customer.yaml": None, "customers/acme/sites/hq/site.yaml": None,
        "customers/apex/customer.yaml":
            "apiVersion: guru/v1\nkind: Customer\nmetadata: {name: apex, renamedFrom: [acme]}\n",
        "customers/apex/sites/hq/site.yaml": "apiVersion: guru/v1\nkind: Site\nmetadata: {name: hq}\n",
        "customers/apex/p.yaml": policy("p", "mode: observe"),
        "devices/apex/hq/pc1.yaml": policy("pc1", "mode: observe"),
    })

    assert new.faults == ()
    assert {(c.action, c.kind) for c in object_changes(old, new)} == {
        ("rename", "Customer"), ("rename", "Site"), ("rename", "Policy")
    }
    assert guard(old, new) == ()


def test_a_name_that_still_exists_cannot_be_taken_over() -> None:
    found = fleet({"org/a.yaml": policy("a", "checks: {}"),
                   "org/b.yaml": policy("b, renamedFrom: [a]", "checks: {}")})

    assert [str(fault) for fault in found.faults] == [
        "org/b.yaml:1:1: metadata.renamedFrom: Policy a still exists in org/a.yaml:1:1 "
        "(remove the old object, or this line)"
    ]


@pytest.mark.parametrize(("gone", "reasons"), [
    (8, []),
    (9, ["9 of 43 objects (21%) would be deleted, and limits.maxDelete.percent is 20%"]),
    (11, [
        "11 objects would be deleted, and limits.maxDelete.count is 10",
        "11 of 43 objects (26%) would be deleted, and limits.maxDelete.percent is 20%",
    ]),
])
def test_a_commit_that_deletes_much_needs_the_trailer(gone: int, reasons: list[str]) -> None:
    found = guard(fleet(MANY), fleet(without(*range(gone))))

    trailer = f"; to allow it, end the commit message with `Guru-Allow-Delete: {gone}`"
    assert list(found) == [reason + trailer for reason in reasons]


def test_a_commit_that_empties_a_kind_or_a_scope_needs_the_trailer() -> None:
    old = fleet(MANY | {"customers/acme/r.yaml": (
        "apiVersion: guru/v1\nkind: AlertRule\nmetadata: {name: r}\nspec: {check: cpu}\n"
    )})
    new = fleet(MANY | {"customers/acme/sites/hq/site.yaml": None})

    assert guard(old, new) == (
        "the last AlertRule would be deleted; to allow it, end the commit message with "
        "`Guru-Allow-Delete: 2`",
        "the last Site would be deleted; to allow it, end the commit message with `Guru-Allow-Delete: 2`",
        "everything in customers/acme/sites/hq would be deleted; to allow it, end the commit message with "
        "`Guru-Allow-Delete: 2`",
    )


def test_a_commit_cannot_loosen_its_own_limits() -> None:
    loose = ("apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: test}\n"
             "spec: {limits: {maxDelete: {count: 1000, percent: 100%}}}\n")

    assert len(guard(fleet(MANY), fleet(without(*range(20)) | {"fleet.yaml": loose}))) == 2


def test_device_changes_are_the_leaves_in_which_two_bundles_differ() -> None:
    def bundle(heartbeat: int, warning: float) -> Bundle:
        check = PlacedCheck(id="cpu", kind="cpu", every=60, spec={"kind": "cpu", "warning": warning})
        return Bundle(language=1, agent=AgentSettings(heartbeat=heartbeat), checks=(check,))

    assert device_changes(bundle(60, 80.0), bundle(30, 90.0)) == (
        FieldChange("agent.heartbeat", 60, 30), FieldChange("checks.cpu.warning", 80.0, 90.0),
    )
    assert device_changes(bundle(60, 80.0), bundle(60, 80.0)) == ()
    assert all(change.from_absent for change in device_changes(None, bundle(60, 80.0)))


def test_a_protected_kind_needs_the_trailer_for_a_single_object() -> None:
    def channel(name: str) -> str:
        spec = "spec: {type: email, to: [noc@msp.example]}"
        return f"apiVersion: guru/v1\nkind: NotificationChannel\nmetadata: {{name: {name}}}\n{spec}\n"

    both = MANY | {"org/a.yaml": channel("noc"), "org/b.yaml": channel("desk")}

    assert guard(fleet(both), fleet(MANY | {"org/a.yaml": channel("noc")})) == (
        "NotificationChannel desk would be deleted, and that kind is protected; to allow it, end the commit "
        "message with `Guru-Allow-Delete: 1`",
    )
