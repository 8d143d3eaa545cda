"""What a role may send: a pipeline's token looks and plans, and changes nothing."""

from __future__ import annotations

import pytest

from guru_server.identity.people import may


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("GET", "/api/v1/status", True), ("POST", "/api/v1/plans", True), ("POST", "/api/v1/plans/x", False),
    ("POST", "/api/v1/applications", False), ("POST", "/api/v1/rollbacks", False), ("POST", "/api/v1/sync", False),
    ("DELETE", "/api/v1/plans", False)])
def test_a_viewer_plans_and_changes_nothing(method: str, path: str, allowed: bool) -> None:
    assert may("viewer", method, path) is allowed
