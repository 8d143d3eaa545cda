"""What another project's tester of SCIM servers says, which has read the RFCs for itself."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from scim2_client import BaseSyncSCIMClient
from scim2_tester import Status, check_server

from tests.server.provisioning.conftest import Scim
from tests.server.sso.conftest import database_url

__all__ = ["database_url"]


class Client(BaseSyncSCIMClient):
    """Asks the application from another thread, as the tester knows no event loop."""

    def __init__(self, scim: Scim, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._scim, self._loop = scim, loop

    def _stays_under_base_url(self, endpoint: str) -> bool:
        return endpoint.startswith("/") or "guru.example/scim/v2/" in endpoint

    def _parse_json(self, response: Any) -> Any:
        return json.loads(response.content)

    def request(self, method: str, url: str, **kwargs: Any) -> httpx.Response:
        place = url if url.startswith("https://") else f"https://guru.example/scim/v2/{url.lstrip('/')}"
        headers = {**self._scim.headers, **(kwargs.pop("headers", None) or {})}
        asked = self._scim.desk.http.request(method, place, headers=headers, **kwargs)
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result(30)


async def test_a_tester_of_scim_servers_has_nothing_to_complain_of(scim: Scim) -> None:
    client = Client(scim, asyncio.get_running_loop())
    results = await asyncio.to_thread(check_server, client)
    bad = [f"{one.title} {one.resource_type}: {one.reason}" for one in results
           if one.status in (Status.ERROR, Status.CRITICAL)]

    assert not bad, "\n".join(bad)
    assert sum(one.status is Status.SUCCESS for one in results) > 60
