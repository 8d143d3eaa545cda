"""The lab's ports: what the system gives away by itself is not among them, and no two processes get one."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.lab import ports

LISTING = "from tools.lab import ports; ports.FIRST, ports.LAST = {first}, {last}; print(ports.free_port())"


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Two neighbouring ports that nobody has, below those of the lab, and nothing else to choose from."""
    below = range(ports.FIRST - 1_000, ports.FIRST - 1)
    first = next(port for port in below if ports._is_free(port) and ports._is_free(port + 1))
    monkeypatch.setattr(ports, "FIRST", first)
    monkeypatch.setattr(ports, "LAST", first + 1)
    monkeypatch.setattr(ports, "_claims", claims := [])
    yield [first, first + 1]
    for claim in claims:
        claim.close()


def another_process_gets(pair: list[int]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LISTING.format(first=pair[0], last=pair[1])],
        capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parents[2],
    )


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's ephemeral range")
def test_no_port_is_of_the_range_that_connections_get() -> None:
    ephemeral = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()

    assert int(ephemeral[0]) > ports.LAST


def test_a_port_is_given_once(pair: list[int]) -> None:
    given = [ports.free_port(), ports.free_port()]

    assert sorted(given) == pair
    with pytest.raises(OSError, match="no port from"):
        ports.free_port()


def test_a_port_somebody_listens_on_is_not_given(pair: list[int]) -> None:
    with socket.create_server(("127.0.0.1", pair[0])):
        assert ports.free_port() == pair[1]


@pytest.mark.skipif(sys.platform != "linux", reason="claims are sockets of Linux's abstract namespace")
def test_a_port_of_a_living_process_is_no_other_process_s(pair: list[int]) -> None:
    mine = ports.free_port()

    theirs = another_process_gets(pair)
    ports._claims.pop().close()
    after = {another_process_gets([mine, mine]).stdout.strip()}

    assert {mine, int(theirs.stdout)} == set(pair)
    assert after == {str(mine)}
