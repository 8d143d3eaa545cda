"""The simulator's agents on a real TLS link: they converge, and report what changed."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette

from guru_policy.bundle import AgentSettings, Bundle, PlacedCheck, PlacedResource
from guru_policy.verdict import State
from guru_server.clock import wall
from guru_server.gateway.app import gateway_routes, server_options
from guru_server.gateway.items import Recorder
from guru_server.keys.keys import load_server, make
from guru_server.reconcile.reports import report_recorder
from guru_server.signer.near import near_folder
from guru_server.telemetry.checks import check_results
from guru_server.telemetry.reading import newest_metrics
from guru_wire.signing import public_bytes
from tests.bench.fleet_sim.device import SimulatedDevice
from tests.bench.fleet_sim.identities import Identity, Server
from tests.bench.fleet_sim.machine import METRICS, Fails
from tests.bench.fleet_sim.stats import Stats
from tests.server.gateway.conftest import Site
from tests.server.gateway.test_link import rows


@pytest.fixture
def extra_recorders() -> dict[str, Recorder]:
    return {"report": report_recorder(wall)}


@pytest.fixture
async def tls(site: Site, tmp_path: Path) -> AsyncIterator[Server]:
    """The same gateway behind TLS, on a port of its own."""
    make(tmp_path / "keys", ["127.0.0.1"], wall())
    trust = load_server(tmp_path / "keys", near_folder(tmp_path / "keys")).trust
    options = {**server_options(), "loop": "asyncio"}
    server = uvicorn.Server(uvicorn.Config(
        Starlette(routes=gateway_routes(site.gateway)), host="127.0.0.1", port=0, log_config=None,
        access_log=False, lifespan="off", timeout_graceful_shutdown=1,
        ssl_certfile=tmp_path / "keys" / "tls.crt", ssl_keyfile=tmp_path / "keys" / "tls.key", **options,
    ))
    serving = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Server(
        f"https://127.0.0.1:{port}", trust.ca, public_bytes(site.state_key), public_bytes(site.link_key)
    )
    server.should_exit = True
    await serving


def bundle(content: str) -> bytes:
    resources = (
        PlacedResource(id="file:motd", kind="file", spec={"content": content}),
        PlacedResource(id="file:hosts", kind="file", spec={"content": "same"}),
    )
    check = PlacedCheck(id="disk", kind="disk_space", every=60, spec={})
    settings = AgentSettings(heartbeat=1)
    return Bundle(language=1, agent=settings, resources=resources, checks=(check,)).to_bytes()


async def test_a_simulated_agent_converges_and_tells_what_changed(site: Site, tls: Server) -> None:
    agent = await site.enrol()
    await site.publish(agent, bundle("one"), serial=1)
    identity = Identity("sim-1", agent.id, base64.b64encode(agent.key.private_bytes_raw()).decode())
    stats = Stats(1)
    device = SimulatedDevice(
        identity, tls, ssl.create_default_context(cadata=tls.ca), stats,
        heartbeat=0.1, fails=(Fails("disk", "sim-*"),), spread=0.0,
    )
    running = asyncio.create_task(device.run())

    async with asyncio.timeout(60):
        while stats.serials.get(agent.id) != 1:
            await asyncio.sleep(0.05)
        await site.publish(agent, bundle("two"), serial=2)
        while stats.serials.get(agent.id) != 2 or stats.counts["heartbeats"] < 2:
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    [(run,)] = await rows(site, "SELECT run FROM device_state")
    assert '"outcome":"changed"' in str(run)
    assert str(run).count('"outcome":"same"') == 1
    assert (await site.db.read(lambda c: newest_metrics(c, "main", agent.id))).keys() <= set(METRICS)
    [result] = await site.db.read(lambda c: check_results(c, "main", agent.id))
    assert (result.check, result.verdict.state) == ("disk", State.critical)
    assert stats.counts["untrusted"] == 0
