"""Runs an application behind TLS until SIGTERM or SIGINT, with its jobs beside it. It knows no subject."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Generator
from typing import NamedTuple

import uvicorn
from websockets.protocol import State

from guru_policy.errors import GuruError
from guru_server.connections import ConnectionLimits, bounded
from guru_server.gateway.app import server_options
from guru_server.keys.keys import Tls
from guru_server.supervising import supervise
from guru_server.wiring import Wired
from guru_wire.link import MAX_FRAME

GRACE = 3                               # seconds that open requests have at the end
JOBS_GRACE = 1.5


class Listener(NamedTuple):
    """A bound socket and where it is."""

    socket: socket.socket
    host: str
    port: int


class Server(uvicorn.Server):
    """uvicorn that says when it is ready, and ends with exit code 0 on a signal."""

    def __init__(self, config: uvicorn.Config, listener: Listener) -> None:
        super().__init__(config)
        self._listener = listener

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Announce readiness once connections are accepted."""
        await super().startup(sockets)
        host = f"[{self._listener.host}]" if ":" in self._listener.host else self._listener.host
        sys.stderr.write(f"guru-server: listening on https://{host}:{self._listener.port}\n")
        sys.stderr.flush()
        notify_systemd("READY=1")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End every connection; one whose peer said goodbye already is left to end by itself.

        uvicorn says goodbye to that one too, which raises and leaves all later ones as they are.
        """
        for connection in list(self.server_state.connections):
            if getattr(getattr(connection, "conn", None), "state", None) in (State.CLOSING, State.CLOSED):
                self.server_state.connections.discard(connection)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """End on the first signal, at once on the second."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _end(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


def bind(host: str, port: int) -> Listener:
    """A listening address; GuruError when it is taken. Port 0 takes any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        made = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as cause:
        raise GuruError(
            f"the server cannot listen on {host}:{port}: {cause.strerror}", hint="choose another: --listen"
        ) from cause
    return Listener(made, host, made.getsockname()[1])


async def serve(wired: Wired, tls: Tls, listener: Listener, limits: ConnectionLimits) -> None:
    """Serve until a signal, then end within 5 seconds."""
    options = server_options()
    config = uvicorn.Config(
        wired.app, log_config=None, access_log=False, proxy_headers=False, server_header=False,
        http=bounded(limits), ws=options["ws"], ws_max_size=MAX_FRAME * 2, ws_per_message_deflate=False,
        ws_ping_interval=options["ws_ping_interval"], ws_ping_timeout=options["ws_ping_timeout"],
        h11_max_incomplete_event_size=32 * 1024, timeout_keep_alive=30, backlog=2048, lifespan="off",
        timeout_graceful_shutdown=GRACE, ssl_context_factory=lambda _config, _default: tls.context,
    )
    jobs = asyncio.create_task(supervise(wired.jobs))
    try:
        await Server(config, listener).serve(sockets=[listener.socket])
    finally:
        notify_systemd("STOPPING=1")
        jobs.cancel()
        await asyncio.wait({jobs}, timeout=JOBS_GRACE)


def notify_systemd(state: str) -> None:
    """Tell systemd (sd_notify(3)); nothing happens without it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect("\0" + address[1:] if address.startswith("@") else address)
        sender.send(state.encode())
