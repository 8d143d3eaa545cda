"""The tables whose rows agents report and the server keeps with their history. No rows and no SQL engine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from guru_policy.text.flattening import plain

MOST_ROWS = 10_000                      # of one table on one device
MOST_KEY, MOST_TEXT = 300, 400          # characters
OF_QUERY = "query:"                     # how tables are called that are the answers to standing queries
MOST_OF_QUERY, TEXT_OF_QUERY = 2_000, 2_000     # rows of one on one device, characters
_LARGEST = 1 << 62                      # of a whole number

Value = str | int | float | None


class Kept(NamedTuple):
    """A table of the inventory: columns that stay the same while nothing happens, and those that name a row.

    `history`: a row that comes, goes or changes is worth remembering. `where` leaves rows out, in SQL. `slow`: to look
    costs seconds of a processor (apt simulates the whole upgrade), so it is done once an hour at most.
    """

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    history: bool = True
    where: str = ""
    slow: bool = False

    @property
    def sql(self) -> str:
        """The query whose rows are kept."""
        only = f" where {self.where}" if self.where else ""
        return f"select {', '.join(self.columns)} from {self.table}{only} limit {MOST_ROWS + 1}"  # noqa: S608 - ours

    def key_of(self, row: Sequence[Value]) -> str:
        """What names a row in its table: the key's values as a JSON array, or without a key a digest of the row."""
        if not self.key:
            return hashlib.blake2b(content_of(self.columns, row), digest_size=16).hexdigest()
        found = dict(zip(self.columns, row, strict=True))
        return orjson.dumps([found[name] for name in self.key]).decode()[:MOST_KEY]


def of_query(name: str, columns: Sequence[str], *, history: bool = True) -> Kept:
    """The table that the answer to a standing query is: a row is named by all that is in it."""
    return Kept(f"{OF_QUERY}{name}", tuple(columns), (), history)


def content_of(columns: Sequence[str], row: Sequence[Value]) -> bytes:
    """A row as JSON by column, without what is NULL: the same bytes for the same content."""
    found = {name: value for name, value in zip(columns, row, strict=True) if value is not None}
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS)


def settled(value: Value, most: int = MOST_TEXT) -> Value:
    """A value as it may be kept: texts plain and short, and no number that a database cannot hold."""
    if isinstance(value, str):
        return plain(value, most)
    if isinstance(value, int) and abs(value) > _LARGEST:
        return None
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value


KEPT: tuple[Kept, ...] = (
    Kept("packages", ("name", "version", "arch", "manager"), ("name", "arch", "manager"),
         where="status in ('installed', 'held')"),
    Kept("updates", ("name", "version", "available", "origin", "security", "manager"), ("name", "manager"), slow=True),
    Kept("users", ("username", "uid", "description", "directory", "shell", "groups"), ("username",)),
    Kept("logged_in", ("user", "tty", "host"), ("user", "tty"), history=False),
    Kept("interfaces", ("interface", "mac", "address", "mask"), ("interface", "address")),
    Kept("disks", ("name", "type", "size", "vendor", "model", "serial", "fstype", "label", "uuid"), ("name",)),
    Kept("hardware", (
        "uuid", "cpu_brand", "cpu_physical_cores", "cpu_logical_cores", "physical_memory", "hardware_vendor",
        "hardware_model", "hardware_version", "hardware_serial", "virtualization"), ("uuid",)),
    Kept("os", ("name", "version", "codename", "platform", "arch"), ("name",)),
    Kept("kernel", ("version", "arguments"), ("version",)),
    Kept("usb", ("usb_address", "vendor", "model", "serial"), ("usb_address",)),
    Kept("certificates", ("path", "common_name", "issuer", "not_valid_after", "sha256"), ("path", "sha256")),
    Kept("cron", ("event", "minute", "hour", "day_of_month", "month", "day_of_week", "username", "command", "path"),
         ("path", "username", "command")),
    Kept("antivirus", ("name", "version", "enabled"), ("name",)),
    Kept("firewall", ("program", "enabled"), ("program",)),
)
KEPT_BY_NAME = {one.table: one for one in KEPT}
