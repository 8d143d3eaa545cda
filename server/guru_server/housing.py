"""Builds the house of one tenant beside the first: its own folder, keys, signer, handle and bus. It starts no job."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from guru_policy.errors import NotFound, Refused
from guru_server import keyring_commands
from guru_server.bus import TenantBus
from guru_server.keys import keys, opening
from guru_server.keys.keys import ServerKeys
from guru_server.supervising import Job
from guru_server.tenants.houses import House
from guru_server.tenants.switchboard import door_of
from guru_server.wiring import Ground, Wired, wire_gateway, wire_server

_OTHER = "another server has them: copy its folder data/tenants/{0}, or make the tenant on this machine"


def house(ground: Ground, host: ServerKeys, url: str, name: str) -> House:
    """A whole server for this tenant at `url`/t/NAME."""
    own = _there(ground, name)
    with ExitStack() as opened:
        opened.enter_context(alone(own.settings.data))
        passphrase = own.settings.passphrase
        keys.make_tenant(own.settings.keys, passphrase, signer=own.settings.signer_files)
        keyring_commands.finish(own.settings)
        signer = opened.enter_context(keyring_commands.started(own.settings))
        if signer is not None:
            signer.ready()
        held = keys.load_tenant(
            own.settings.keys, keyring_commands.signatures(own.settings), host, passphrase)
        keyring_commands.vouched(held)
        wired = wire_server(own, held, door_of(url, name))
        jobs: dict[str, Job] = dict(wired.jobs)
        if signer is not None:
            jobs["signer"] = signer.run
        return House(wired.app, jobs, own.db, opened.pop_all().close)


def links(ground: Ground, name: str) -> House:
    """Only the links of this tenant's agents, in a gateway's own process."""
    own = _there(ground, name)
    wired: Wired = wire_gateway(own, opening.edwards(own.settings.keys / "link.key", own.settings.passphrase))
    return House(wired.app, wired.jobs, own.db, lambda: None)


def builder(ground: Ground, host: ServerKeys, url: str) -> Callable[[str], House]:
    """Builds houses of this server."""
    return partial(house, ground, host, url)


def _there(ground: Ground, name: str) -> Ground:
    """What this tenant stands on; NotFound when its keys are not on this machine."""
    settings = ground.settings.of(name)
    if not (settings.keys / "link.key").exists():
        raise NotFound(f"its keys are not in {settings.keys}", hint=_OTHER.format(name))
    return Ground(settings, ground.db.of(name), TenantBus(ground.bus, name), ground.clock)


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """One server process a data folder; Refused while another runs."""
    with (data / "server.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as cause:
            raise Refused(
                f"a server already works in {data}", hint="stop it first, or give this one another --data"
            ) from cause
        yield
