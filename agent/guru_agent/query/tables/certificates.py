"""Rows of `certificates`: which files are looked into. It reads certificates, never keys."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from guru_agent.query.rows import Row, Wanted
from guru_agent.query.tables.files import paths, real_path

USUAL = (
    "etc/letsencrypt/live/*/cert.pem", "etc/ssl/*.pem", "etc/ssl/*.crt", "etc/pki/tls/certs/*.crt",
    "etc/nginx/**/*.pem", "etc/nginx/**/*.crt", "etc/apache2/**/*.crt", "etc/haproxy/**/*.pem",
    "etc/postfix/*.pem", "etc/dovecot/**/*.pem", "usr/local/share/ca-certificates/*.crt",
)
MOST_FILES, MOST_BYTES = 2000, 1 << 20


def certificates(wanted: Wanted) -> Iterator[Row]:
    """Those of the usual files, or of the files that `path` names."""
    pattern = wanted.pattern("path")
    for path in islice(_usual(wanted) if pattern is None else paths(pattern, wanted), MOST_FILES):
        yield from _of_file(path, wanted)


def _usual(wanted: Wanted) -> Iterator[str]:
    top = Path(wanted.root or "/")
    found = {path for place in USUAL for path in top.glob(place)}
    yield from (f"/{path.relative_to(top)}" for path in sorted(found))


def _of_file(path: str, wanted: Wanted) -> Iterator[Row]:
    from guru_agent.query.x509 import read_certificates  # 100 ms of imports, for this table alone

    try:
        with Path(real_path(path, wanted)).open("rb") as file:
            data = file.read(MOST_BYTES)
    except (OSError, ValueError):
        return
    for row in read_certificates(data):
        yield {**row, "path": path}
