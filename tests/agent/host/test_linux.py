"""The real host on Linux: checks against a real loopback server, programs, facts and metrics."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from guru_agent.host.facts import gather
from guru_agent.host.linux import LinuxHost
from guru_agent.host.metrics import read_metrics
from guru_policy.checks.http import Http
from guru_policy.checks.port import Port
from guru_policy.checks.script import Script
from guru_policy.errors import CannotLook


class Page(BaseHTTPRequestHandler):
    """Answers /moved with a redirect and anything else with hello."""

    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *args: object) -> None:
        del args


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a small web server that ends with the test."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(10)


async def test_a_real_page_is_fine_and_a_redirect_is_not_followed(port: int) -> None:
    host = LinuxHost()

    fine = await Http(url=f"http://127.0.0.1:{port}/", contains="hello").sample(host)
    moved = await Http(url=f"http://127.0.0.1:{port}/moved").sample(host)

    assert (fine.state, moved.state) == ("ok", "critical")
    assert moved.message.startswith("302")


async def test_a_real_port_takes_a_connection_until_nobody_listens(port: int) -> None:
    assert (await Port(port=port).sample(LinuxHost())).state == "ok"
    assert (await Port(port=1).sample(LinuxHost())).state == "critical"


async def test_a_script_out_of_time_cannot_be_judged() -> None:
    with pytest.raises(CannotLook):
        await Script(shell="sleep 60", timeout=1).sample(LinuxHost())


def test_facts_and_metrics_say_what_selectors_and_graphs_need() -> None:
    assert {"os", "os_version", "hostname", "arch", "cpus", "ram_gb", "kernel"} <= set(gather())
    assert {"cpu.percent", "mem.used_percent", "disk.used_percent:/", "load.1"} <= set(read_metrics())


async def test_how_full_a_disk_is_agrees_with_df() -> None:
    told = subprocess.run(["df", "--output=pcent", "/"], capture_output=True, text=True, check=True, timeout=30).stdout
    found = await LinuxHost().space("/")

    assert found is not None
    assert abs(found.used_percent - int(told.split()[-1].removesuffix("%"))) <= 1.5       # df rounds up
