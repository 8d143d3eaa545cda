"""Whose data something is about is asked of the connection or the handle: the first tenant is named in few places."""

from __future__ import annotations

import ast

from tests.arch.sources import sources

HERE = "server/guru_server/"
MAY = {
    "store/first.py": "what it is called", "store/schema.py": "for tests", "main.py": "lines of the log",
    "store/database.py": "a handle that was opened is its own", "settings.py": "the server's settings are its own",
    "commands.py": "its folder is the server's", "tenants/naming.py": "lines of the log",
    "signer/asking.py": "a signer that nobody names a tenant to", "tenants/store.py": "it cannot be closed",
    "tenants/houses.py": "it has no house of its own",
}


def test_nothing_but_the_outermost_layer_names_the_first_tenant() -> None:
    named = {
        file.path.removeprefix(HERE) for file in sources("server")
        if any(isinstance(node, ast.Name) and node.id == "TENANT" for node in ast.walk(file.tree))
    }

    assert named - set(MAY) == set(), "ask whose(connection), or the handle's `tenant`: docs/adr/0019"
