"""The tables of telemetry: metrics, packed samples in three ages, check states. Nothing reads or writes here.

A layout's id is the first 8 bytes of SHA-256 over its names, as a signed integer: two servers that meet a new
layout at once agree on its id without asking each other. Times are ms UTC, lengths of time too.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, LargeBinary, SmallInteger, String, Table, Text

from guru_server.store.schema import metadata

metric_def = Table(
    "metric_def",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("unit", String(16), nullable=False),
    Column("scale", SmallInteger, nullable=False),          # decimal digits that a chunk keeps
    sqlite_with_rowid=False,
)

layout = Table(
    "layout",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("metrics", Text, nullable=False),                # names joined by newlines
    Column("device", String(32), nullable=False, index=True),   # who sent it first: bounds layouts a device
    sqlite_with_rowid=False,
)

sample_head = Table(                                        # 24 hours, one row a heartbeat
    "sample_head",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("ts", BigInteger, primary_key=True, autoincrement=False),
    Column("layout", BigInteger, nullable=False),
    Column("vals", LargeBinary, nullable=False),            # little-endian float64, NaN: absent
    sqlite_with_rowid=False,
)

sample_chunk = Table(                                       # 30 days, 6 hours a row
    "sample_chunk",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("t0", BigInteger, primary_key=True, autoincrement=False),
    Column("layout", BigInteger, primary_key=True, autoincrement=False),
    Column("n", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),            # guru_server.telemetry.chunks
)

rollup = Table(                                             # hourly 400 days, daily 5 years
    "rollup",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("res", BigInteger, primary_key=True, autoincrement=False),   # 3,600,000 or 86,400,000
    Column("t0", BigInteger, primary_key=True, autoincrement=False),
    Column("layout", BigInteger, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),            # guru_server.telemetry.rolling
    sqlite_with_rowid=False,
)

check_state = Table(
    "check_state",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("check_id", String(200), primary_key=True),
    Column("state", String(8), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("value", Float(53), nullable=True),
    Column("unit", String(32), nullable=False),
    Column("message", Text, nullable=False),
    Column("missed", SmallInteger, nullable=False),         # looks at which the device spoke, but not of this
    Column("seen_at", BigInteger, nullable=False),          # the server's clock
    sqlite_with_rowid=False,
)

refused_item = Table(                                       # what a device sent and nobody could store
    "refused_item",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
)
