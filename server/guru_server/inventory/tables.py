"""The tables of the inventory: rows that devices have, which device has which, and what changed. Nothing reads here.

Ten thousand devices have the same packages: a row is kept once, under a number made of its content, and a device's
table is the list of these numbers.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, false

from guru_server.store.schema import key, metadata, moment, tenant

inventory_item = Table(
    "inventory_item",
    metadata,
    tenant(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),        # of its table and content: items.number
    Column("kind", String(64), nullable=False),             # the table: packages, updates ...
    Column("key", String(300), nullable=False),             # guru_policy.query.kept: what names it in the table
    Column("name", String(200), nullable=False),            # the first of its key, in small letters, to search by
    Column("body", Text, nullable=False),                   # JSON object by column, without what is NULL
    moment("made_at"),
)
Index("ix_inventory_item_kind_name", inventory_item.c.tenant, inventory_item.c.kind, inventory_item.c.name)

inventory_state = Table(
    "inventory_state",
    metadata,
    tenant(),
    key("device", 32),
    key("kind", 64),
    moment("at"),                                           # when the device looked
    moment("changed_at"),                                   # when this row was written, by the server's clock
    moment("since"),                                        # when the table was first seen whole; 0: not yet
    Column("digest", String(64), nullable=False),           # as the device names what it told
    Column("stale", Boolean, nullable=False, server_default=false()),       # a delta did not fit: it is asked for all
    Column("cut", Boolean, nullable=False, server_default=false()),         # the device has more rows than it tells
    Column("count", Integer, nullable=False),
    Column("numbers", LargeBinary, nullable=False),           # numbers of inventory_item: int64, little-endian, sorted
    # Of standing queries, whose tables are called query:NAME:
    Column("columns", Text, nullable=False, server_default=""),             # JSON list, in the query's order
    Column("about", String(64), nullable=False, server_default=""),         # sha256 of the SQL
    Column("problem", String(300), nullable=False, server_default=""),      # why there is no newer answer
)

inventory_change = Table(
    "inventory_change",
    metadata,
    tenant(),
    key("device", 32),
    Column("at", BigInteger, primary_key=True, autoincrement=False),        # ms UTC, the device's clock
    key("kind", 64),
    key("key", 300),
    Column("before", BigInteger, nullable=True),            # of inventory_item; NULL: it was not there
    Column("after", BigInteger, nullable=True),             # NULL: it is gone
)
Index("ix_inventory_change_tenant_kind_at", inventory_change.c.tenant, inventory_change.c.kind, inventory_change.c.at)
