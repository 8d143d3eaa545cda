"""Queries travel in bundles, the nearest of a name, and plan and explain say where they stand."""

from __future__ import annotations

from guru_policy.bundle import PlacedQuery
from guru_policy.comparing import device_changes
from guru_policy.explaining import explain
from guru_policy.fleet import Sources
from guru_policy.provenance import Authors
from tests.policy.test_schedules_in_bundles import CHECK, bundle_of, compiled, server
from tests.policy.writing import fleet, written

SQL = "select name from packages"
FILES = CHECK | {
    "org/q.yaml": written("Query", "packages", f"{{sql: {SQL}, selector: role=server}}"),
    "customers/acme/q.yaml": written("Query", "packages", f"{{sql: {SQL} limit 5, every: 5m, results: snapshot}}"),
    "org/other.yaml": written("Query", "kernel", "{sql: select version from kernel, selector: role=desk}"),
}


def test_a_device_gets_the_nearest_query_of_a_name_that_is_about_it() -> None:
    found = bundle_of(compiled(fleet(FILES), server(1)), server(1))

    assert found.queries == (PlacedQuery(id="packages", sql=f"{SQL} limit 5", every=300, snapshot=True),)


def test_a_plan_says_where_a_query_stands_and_explain_too() -> None:
    before, after = compiled(fleet(CHECK), server(1)), compiled(fleet(FILES), server(1))
    changes = device_changes(bundle_of(before, server(1)), bundle_of(after, server(1)))
    sources = Sources(fleet(FILES), fleet(FILES))
    told = Authors(sources).attributed(server(1), changes)
    why = explain(sources, server(1), "queries.packages")

    assert {one.why for one in told if one.path.startswith("queries.")} == {"customers/acme/q.yaml:1"}
    assert [one.origin.path for one in why.candidates] == ["customers/acme/q.yaml"]


def test_a_query_that_does_not_read_is_a_fault_and_a_device_has_only_so_many() -> None:
    wrong = fleet(CHECK | {"org/q.yaml": written("Query", "q", "{sql: delete from x}")})
    many = {f"org/q{number}.yaml": written("Query", f"q{number}", "{sql: select 1}") for number in range(51)}
    made = compiled(fleet(CHECK | many), server(1))

    assert any("one SELECT" in fault.message for fault in wrong.faults)
    assert "50 queries at most" in str(made.assigned[server(1).id])
