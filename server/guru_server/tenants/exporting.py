"""Everything that the database holds of one tenant, in one file: for the MSP that leaves. Secrets stay behind.

A tar archive: tenant.json tells of the rest, tables/NAME.jsonl has a JSON object for each row. Bytes are base64 in an
object {"base64": ...}. What digests, passwords and second factors are is null: they are worth nothing elsewhere.
"""

from __future__ import annotations

import base64
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, Row, Table, null, select

from guru_policy.errors import GuruError
from guru_server.store.binding import whose
from guru_server.store.migrate import HEAD

AT_ONCE = 1_000                         # rows in memory
WITHHELD = {
    "account": ("password", "totp", "totp_next", "recovery"), "api_token": ("digest",),
    "enrolment_token": ("digest",), "invitation": ("digest",), "kept_answer": ("sealed",),
    "approval": ("body", "answer"),     # a request as it was sent, and what it was answered: a new token, perhaps
    "transfer_chunk": ("data",),        # of devices' files, on their way for an hour
}


def export(connection: Connection, tables: Iterable[Table], path: Path, now: int) -> dict[str, int]:
    """Write the archive, for its owner only; the rows of each table. The connection's tenant is the one."""
    part = path.with_name(f"{path.name}.part")
    counted: dict[str, int] = {}
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w") as archive:
                for table in sorted(tables, key=lambda one: one.name):
                    with tempfile.TemporaryFile(dir=path.parent) as rows:
                        counted[table.name] = _rows(connection, table, rows)
                        _add(archive, f"tables/{table.name}.jsonl", rows, now)
                told = {
                    "apiVersion": "guru/v1", "tenant": whose(connection), "exported_at": now, "schema": HEAD,
                    "rows": counted, "withheld": {name: list(columns) for name, columns in WITHHELD.items()},
                }
                _add(archive, "tenant.json", io.BytesIO(json.dumps(told, indent=1).encode() + b"\n"), now)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as cause:
        part.unlink(missing_ok=True)
        raise GuruError(f"{path} cannot be written: {cause.strerror}", hint="look at --out") from cause
    return counted


def _rows(connection: Connection, table: Table, file: IO[bytes]) -> int:
    hidden = WITHHELD.get(table.name, ())
    columns = [null().label(column.name) if column.name in hidden else column for column in table.columns]
    query = select(*columns).where(table.c.tenant == whose(connection)).order_by(*table.primary_key)
    count = 0
    for row in connection.execute(query.execution_options(yield_per=AT_ONCE)):
        file.write(json.dumps(_told(row), ensure_ascii=False).encode() + b"\n")
        count += 1
    return count


def _told(row: Row[Any]) -> dict[str, Any]:
    return {
        name: {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes | memoryview) else value
        for name, value in row._mapping.items()
    }


def _add(archive: tarfile.TarFile, name: str, file: IO[bytes], now: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = file.seek(0, os.SEEK_END), now // 1000, 0o600
    file.seek(0)
    archive.addfile(entry, file)
