"""A device whose agent was altered: shown on its page, in the status of the fleet, and within sight only."""

from __future__ import annotations

from guru_policy.own_check import OWN_CHECK
from guru_server.gateway.items import Received
from guru_server.store.schema import TENANT
from guru_server.telemetry.intactness import tampered
from guru_server.telemetry.recording import recorders
from guru_wire.operator import DeviceDetail
from tests.server.conftest import Api

NOW = 1_700_000_000_000


async def says(api: Api, device: str, state: str, at: int) -> None:
    """The device tells of its own files."""
    verdict = {"state": state, "message": "0.1.0: not as installed: guru_agent/main.py", "value": 1, "unit": "files"}
    body = {"results": [{"check": OWN_CHECK, "at": at, "since": at, "verdict": verdict}]}
    item = Received(TENANT, device, 1, body)
    await api.db.write(lambda connection: recorders(lambda: NOW + at)["checks"](connection, [item]))


async def test_an_altered_agent_is_a_condition_until_it_is_as_installed_again(api: Api) -> None:
    first, second = await api.device("web1"), await api.device("web2")
    await says(api, first, "critical", 5)
    await says(api, second, "unknown", 5)
    page = DeviceDetail.model_validate((await api.http.get("/devices/web1")).json())
    fleet = await api.db.read(lambda connection: tampered(connection, TENANT))
    elsewhere = await api.db.read(lambda connection: tampered(connection, TENANT, among={second}))

    await says(api, first, "ok", 9)

    [one] = [condition for condition in page.conditions if condition.type == "Tampered"]
    assert (one.status, one.reason, one.message) == (
        True, "FilesDiffer", "0.1.0: not as installed: guru_agent/main.py")
    assert ([known.message for known in fleet], elsewhere) == (["web1"], ())
    assert await api.db.read(lambda connection: tampered(connection, TENANT)) == ()
