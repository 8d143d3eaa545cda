"""What one query may do: it looks, within bounds, and says what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guru_agent.query.engine import Limits, run
from guru_agent.query.rows import Row, Rows, Unseen, Wanted
from guru_policy.errors import DeadlinePassed, GuruError, InputInvalid

LIMITS = Limits(rows=1000, bytes=1 << 20, seconds=10)
ENDLESS = "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n"


class Counted:
    """Rows of `users`, with what the queries wanted of them."""

    def __init__(self, *names: str) -> None:
        self.names, self.wanted, self.made = names, list[Wanted](), 0

    def __call__(self, wanted: Wanted) -> Iterator[Row]:
        self.wanted.append(wanted)
        for number, name in enumerate(self.names):
            self.made += 1
            yield {"uid": number, "username": name}


def asked(sql: str, *, limits: Limits = LIMITS, **tables: Rows) -> list[tuple[object, ...]]:
    return list(run(sql, tables, limits).rows)


def test_a_query_reads_the_rows_of_a_table() -> None:
    result = run("select username as who from users where uid > 0", {"users": Counted("root", "ada")}, LIMITS)

    assert result.columns == ("who",)
    assert list(result.rows) == [("ada",)]


def test_only_the_columns_that_are_read_are_wanted_and_narrowed_ones_are_handed_over() -> None:
    users = Counted("root", "ada")
    asked("select uid from users where username = 'ada'", users=users)

    assert users.wanted[0].columns == {"uid", "username"}
    assert users.wanted[0].equal("username") == "ada"
    assert users.wanted[0].equal("uid") is None


def test_rows_that_nobody_reads_are_not_made() -> None:
    users = Counted(*map(str, range(1000)))
    asked("select uid from users limit 3", users=users)

    assert users.made < 10


def test_a_join_narrows_the_second_table_by_the_first() -> None:
    users, processes = Counted("root", "ada"), Counted()
    asked("select * from users u join processes p on p.pid = u.uid", users=users, processes=processes)

    assert [wanted.equal("pid") for wanted in processes.wanted] == [0, 1]


@pytest.mark.parametrize("sql", [
    "attach '/tmp/x' as x", "pragma table_info(users)", "create table t (a)", "create temp table t as select 1",
    "vacuum into '/tmp/x'", "select load_extension('x')", "begin", "detach main", "reindex",
])
def test_a_query_only_looks(sql: str) -> None:
    with pytest.raises(InputInvalid):
        asked(sql, users=Counted())


@pytest.mark.parametrize("sql", ["delete from users", "update users set uid = 0", "insert into users (uid) values (1)"])
def test_the_tables_cannot_be_changed(sql: str) -> None:
    with pytest.raises(InputInvalid, match=r"may not be modified|only looks"):
        asked(sql, users=Counted())


def test_a_misspelled_table_or_column_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(InputInvalid, match="no such table: procesess") as table:
        asked("select * from procesess", processes=Counted())
    with pytest.raises(InputInvalid, match="no such column: usrname") as column:
        asked("select usrname from users", users=Counted())

    assert table.value.hint == "did you mean `processes`?"
    assert column.value.hint == "did you mean `username`?"


def test_a_second_statement_is_refused_before_it_runs() -> None:
    users = Counted("root")

    with pytest.raises(InputInvalid, match="one query at a time"):
        asked("select 1; select * from users", users=users)
    assert users.made == 0


def test_comments_are_not_statements() -> None:
    assert asked("-- first\nselect 1 /* one */; -- last") == [(1,)]


def test_nothing_is_no_query() -> None:
    with pytest.raises(InputInvalid, match="there is no query"):
        asked("  -- nothing")


def test_a_query_that_takes_too_long_ends() -> None:
    with pytest.raises(DeadlinePassed, match="longer than 0"):
        asked(ENDLESS, limits=LIMITS._replace(seconds=0.2))


def test_rows_that_never_end_are_ended_by_the_same_bound() -> None:
    def endless(_: Wanted) -> Iterator[Row]:
        while True:
            yield {"uid": 1}

    with pytest.raises(DeadlinePassed):
        asked("select count(*) from users", users=endless, limits=LIMITS._replace(seconds=0.2))


@pytest.mark.parametrize("sql", [
    "select zeroblob(2000000000)",
    "select group_concat(x, '') from (with recursive n(x) as (select 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' "
    "union all select x from n limit 1000000) select x from n)",
])
def test_a_query_that_needs_too_much_memory_ends(sql: str) -> None:
    with pytest.raises(GuruError, match="more memory than it may have"):
        asked(sql)


def test_what_a_table_cannot_see_is_a_note_and_its_other_rows_count() -> None:
    def some(_: Wanted) -> Iterator[Row]:
        yield {"uid": 1}
        raise Unseen("the others are hidden")

    result = run("select uid from users", {"users": some}, LIMITS)

    assert list(result.rows) == [(1,)]
    assert result.notes == ["the others are hidden"]


def test_a_table_that_needs_to_know_something_says_what() -> None:
    with pytest.raises(InputInvalid, match="files needs to know path or directory"):
        asked("select * from files", files=Counted())


def test_bytes_come_as_hexadecimal_digits() -> None:
    assert asked("select x'00ff'") == [("00ff",)]
