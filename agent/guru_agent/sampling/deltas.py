"""Tables told as what came, changed and went since they were last told, which is on disk. It looks at nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson

from guru_agent.clock import Clock
from guru_agent.state.spool import INVENTORY, Spool
from guru_agent.state.store import Store, translated
from guru_policy.query.kept import Kept, Value
from guru_wire.inventory import InventoryDelta

ROOM = 400 << 10                        # bytes of rows of one table; what is more is cut off, in the order of keys

Row = tuple[Value, ...]


class Seen(NamedTuple):
    """The rows of a table by key, as many as fit; whether some did not."""

    rows: Mapping[str, Row]
    cut: bool = False


class Deltas:
    """Tells of tables through the spool. StoreFull when the disk takes no more: then nothing was told."""

    def __init__(self, store: Store, spool: Spool, clock: Clock) -> None:
        self._store, self._spool, self._clock = store, spool, clock

    def tell(
        self, kept: Kept, seen: Seen | None, *, about: str = "", snapshot: bool = False, problem: str = "",
        anyway: bool = False,
    ) -> None:
        """Tell what is new; `anyway` when nothing is, too. None: it was not seen, and stands as it was told."""
        name = _fact(kept.table, about)
        told = self._store.fact(name)
        known: dict[str, str] = orjson.loads(told) if told else {}
        rows = seen.rows if seen is not None else {}
        marks = {key: _mark(row) for key, row in rows.items()} if seen is not None else known
        if told and marks == known and not anyway:
            return
        basis, digest = (_digest(known), _digest(marks)) if told else ("", _digest(marks))
        delta = InventoryDelta(
            table=kept.table, at=self._clock.now(), basis=basis, digest=digest, columns=kept.columns,
            cut=seen is not None and seen.cut, about=about, snapshot=snapshot, problem=problem,
            rows=tuple(row for key, row in rows.items() if not basis or known.get(key) != marks[key]),
            removed=tuple(sorted(known.keys() - marks.keys())) if basis else (),
        )
        body = delta.model_dump_json(exclude_defaults=True).encode()
        if basis and len(body) > ROOM:  # more came and went than is there
            whole = {"basis": "", "rows": tuple(rows.values()), "removed": ()}
            body = delta.model_copy(update=whole).model_dump_json(exclude_defaults=True).encode()
        with self._store.transaction():
            self._put(body, digest)
            if told or seen is not None:        # what was never seen whole has nothing to go on from
                self._store.keep(name, orjson.dumps(marks).decode())

    def only(self, prefix: str, wanted: Mapping[str, str]) -> None:
        """Forget tables that begin with `prefix` and are not `wanted`, by name what each is about; tell which are gone.
        """
        begins = f"{INVENTORY}{prefix}"
        with translated():
            found = self._store.sql.execute("SELECT name FROM fact WHERE name GLOB ?", (f"{begins}*",)).fetchall()
        for (name,) in found:
            table, _, mark = str(name).removeprefix(INVENTORY).rpartition(":")
            if table in wanted and name == _fact(table, wanted[table]):
                continue
            with self._store.transaction() as sql:
                if table not in wanted:
                    empty = InventoryDelta(table=table, at=self._clock.now(), digest=_digest({}), columns=(), gone=True)
                    self._put(empty.model_dump_json(exclude_defaults=True).encode(), mark)
                sql.execute("DELETE FROM fact WHERE name = ?", (name,))

    def _put(self, body: bytes, what: str) -> None:
        # No delta may take the place of another: each goes on from the one before.
        same = f"inventory:{self._spool.last}:{what}"
        self._spool.add_result("inventory", body, same=same, subject=same)


def bounded(kept: Kept, rows: Sequence[Row], most: int, room: int = ROOM) -> Seen:
    """The rows by key, in its order, as many as fit."""
    found: dict[str, Row] = {}
    for row in rows:
        found.setdefault(kept.key_of(row), row)
    fitting: dict[str, Row] = {}
    size = 0
    for key in sorted(found):
        size += len(orjson.dumps(found[key])) + 1
        if size > room or len(fitting) == most:
            return Seen(fitting, True)
        fitting[key] = found[key]
    return Seen(fitting)


def _fact(table: str, about: str) -> str:
    """The fact under which what was told of a table is kept: of another query, another one."""
    return f"{INVENTORY}{table}:{about[:16]}" if about else f"{INVENTORY}{table}"


def _mark(row: Row) -> str:
    return hashlib.blake2b(orjson.dumps(row), digest_size=8).hexdigest()


def _digest(marks: Mapping[str, str]) -> str:
    return hashlib.sha256(orjson.dumps(dict(marks), option=orjson.OPT_SORT_KEYS)).hexdigest()
