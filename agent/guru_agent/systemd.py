"""Tells systemd that the agent is ready and alive (sd_notify(3)). It says nothing where nobody asked."""

from __future__ import annotations

import asyncio
import socket


class Notifier:
    """`address` is NOTIFY_SOCKET; `watchdog` the seconds of WATCHDOG_USEC, 0 without one."""

    def __init__(self, address: str, watchdog: float) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog = watchdog

    def tell(self, state: str) -> None:
        """Send one state, e.g. READY=1. Nobody listening is no error."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as peer:
            try:
                peer.connect(self._address)
                peer.send(state.encode())
            except OSError:
                return

    async def run(self) -> None:
        """Feed the watchdog until cancelled, as long as the event loop turns."""
        if not self._watchdog:
            await asyncio.Event().wait()
        while True:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self._watchdog / 2)
