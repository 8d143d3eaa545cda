"""The triggers with which the database refuses to change the audit log; it lets go only below a checkpoint.

Whoever owns the tables can drop them: that is what hashes, signatures and anchors are for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

_KEPT = "the audit log is only ever added to"
_BELOW = "the audit log is let go only below a signed checkpoint"
_ROOT = "SELECT root FROM audit_head WHERE tenant = OLD.tenant"
_MARKED = "SELECT 1 FROM audit_checkpoint WHERE tenant = NEW.tenant AND seq = NEW.root"


def _sqlite(name: str, when: str, only: str, said: str) -> str:
    return f"CREATE TRIGGER {name} BEFORE {when} WHEN {only} BEGIN SELECT RAISE(ABORT, '{said}'); END"


# REPLACE deletes without a trigger (https://sqlite.org/lang_createtrigger.html), so inserts are looked at, too.
SQLITE = (
    _sqlite("audit_insert", "INSERT ON audit",
            "NEW.seq <= coalesce((SELECT seq FROM audit_head WHERE tenant = NEW.tenant), 0)", _KEPT),
    _sqlite("audit_update", "UPDATE ON audit", "true", _KEPT),
    _sqlite("audit_delete", "DELETE ON audit", f"OLD.seq > coalesce(({_ROOT}), 0)", _BELOW),
    _sqlite("audit_checkpoint_insert", "INSERT ON audit_checkpoint",
            "EXISTS (SELECT 1 FROM audit_checkpoint WHERE tenant = NEW.tenant AND seq = NEW.seq)", _KEPT),
    _sqlite("audit_checkpoint_update", "UPDATE ON audit_checkpoint", "true", _KEPT),
    _sqlite("audit_checkpoint_delete", "DELETE ON audit_checkpoint", f"OLD.seq >= coalesce(({_ROOT}), 0)", _BELOW),
    _sqlite("audit_head_insert", "INSERT ON audit_head",
            "NEW.seq <> 0 OR EXISTS (SELECT 1 FROM audit_head WHERE tenant = NEW.tenant)", _KEPT),
    _sqlite("audit_head_update", "UPDATE ON audit_head",
            "NEW.tenant <> OLD.tenant OR NEW.seq < OLD.seq OR NEW.root < OLD.root"
            f" OR (NEW.root <> OLD.root AND NOT EXISTS ({_MARKED}))", _KEPT),
    _sqlite("audit_head_delete", "DELETE ON audit_head", "true", _KEPT),
)

# guru_audit_let_go runs as the owner of the tables, so that the server's own role needs no DELETE (docs/audit.md).
POSTGRESQL = (
    f"""CREATE FUNCTION guru_audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'TRUNCATE' THEN NULL;
    ELSIF TG_TABLE_NAME = 'audit' AND TG_OP = 'DELETE' AND OLD.seq <= coalesce(({_ROOT}), 0) THEN RETURN OLD;
    ELSIF TG_TABLE_NAME = 'audit_checkpoint' AND TG_OP = 'DELETE' AND OLD.seq < coalesce(({_ROOT}), 0) THEN RETURN OLD;
    ELSIF TG_TABLE_NAME = 'audit_head' AND TG_OP = 'UPDATE' THEN
        IF NEW.tenant = OLD.tenant AND NEW.seq >= OLD.seq AND NEW.root >= OLD.root
            AND (NEW.root = OLD.root OR EXISTS ({_MARKED})) THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION '{_KEPT}' USING ERRCODE = 'integrity_constraint_violation';
    END $$""",
    """CREATE FUNCTION guru_audit_let_go(whose text, most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$ DECLARE gone integer; BEGIN
    DELETE FROM audit WHERE tenant = whose AND seq IN (SELECT seq FROM audit WHERE tenant = whose
        AND seq <= (SELECT root FROM audit_head WHERE tenant = whose) ORDER BY seq LIMIT most);
    GET DIAGNOSTICS gone = ROW_COUNT;
    DELETE FROM audit_checkpoint WHERE tenant = whose AND seq < (SELECT root FROM audit_head WHERE tenant = whose);
    RETURN gone;
    END $$""",
    *(
        f"CREATE TRIGGER {table}_guard BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION guru_audit_guard()"
        for table in ("audit", "audit_head", "audit_checkpoint")
    ),
    *(
        f"CREATE TRIGGER {table}_guard_all BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION guru_audit_guard()"
        for table in ("audit", "audit_head", "audit_checkpoint")
    ),
)


def protect(connection: Connection) -> None:
    """Put the guards on the tables, which are there."""
    for statement in SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL:
        connection.exec_driver_sql(statement.replace("%", "%%"))


@contextmanager
def unguarded(connection: Connection) -> Iterator[None]:
    """The tables without their guards, for the rest of this transaction: only the deletion of a whole tenant does this.

    Whoever does it owns the tables; everybody else who would write them waits until it is over.
    """
    tables = ("audit", "audit_head", "audit_checkpoint")
    if connection.dialect.name == "sqlite":
        for statement in SQLITE:
            connection.exec_driver_sql(f"DROP TRIGGER {statement.split()[2]}")
        yield
        protect(connection)
        return
    for table in tables:
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    for table in tables:
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")
