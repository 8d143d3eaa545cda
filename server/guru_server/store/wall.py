"""The second wall: PostgreSQL's row-level security on every table that has a tenant. It holds where a query forgot to.

A transaction sees and writes the rows of the tenant that its handle named (binding.py), and without a name no row.
The tables' owner is bound, too (FORCE); only a superuser or a role with BYPASSRLS is not, and doctor tells of those.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from guru_server.store.binding import LANDLORD, SETTING

POLICY = "guru_tenant"
LIST = "tenant"                         # the table of tenants: whoever manages them sees all of its rows
_OURS = f"tenant = (SELECT current_setting('{SETTING}', true))"
_LISTED = f"({_OURS} OR (SELECT current_setting('{SETTING}', true)) = '{LANDLORD}')"
_TABLES = text(
    "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AND p.polname IS NOT NULL AS stands,"
    " c.relforcerowsecurity AS forced FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped"
    " LEFT JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = 'guru_tenant'"
    " WHERE c.relkind IN ('r', 'p') ORDER BY 1"
)
_NOBODY = text("SELECT 0")
_ROLE = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")


def raise_wall(connection: Connection) -> list[str]:
    """Put the wall round every table that has a tenant and no wall yet; their names. Nothing happens on SQLite."""
    if connection.dialect.name != "postgresql":
        return []
    missing = [row.relname for row in connection.execute(_TABLES) if not row.stands]
    for name in missing:
        seen = _LISTED if name == LIST else _OURS
        for statement in (
            f'ALTER TABLE "{name}" ENABLE ROW LEVEL SECURITY', f'ALTER TABLE "{name}" FORCE ROW LEVEL SECURITY',
            f'DROP POLICY IF EXISTS {POLICY} ON "{name}"',
            f'CREATE POLICY {POLICY} ON "{name}" USING ({seen}) WITH CHECK ({seen})',
        ):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    return missing


def lower_wall(connection: Connection) -> None:
    """Let the tables' owner see all rows for the rest of this transaction, which ends with raise_wall()."""
    if connection.dialect.name == "postgresql":
        for row in connection.execute(_TABLES).all():
            if row.forced:
                connection.exec_driver_sql(f'ALTER TABLE "{row.relname}" NO FORCE ROW LEVEL SECURITY')


def unwalled(connection: Connection) -> list[str]:
    """The tables with a tenant that any role sees whole; none on SQLite, which has no such thing."""
    if connection.dialect.name != "postgresql":
        return []
    return [row.relname for row in connection.execute(_TABLES) if not row.stands]


def climbs(connection: Connection) -> bool:
    """Whether the role of this connection is one that no policy binds."""
    return bool(connection.execute(_ROLE if connection.dialect.name == "postgresql" else _NOBODY).scalar())
