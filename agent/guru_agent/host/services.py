"""The machine's services as systemd lists them. Nothing where there is no systemd; it never changes one."""

from __future__ import annotations

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_wire.uplink import ServiceState

MAX_SERVICES = 1000


async def list_services(host: Host) -> tuple[ServiceState, ...]:
    """Name and state of every loaded service, sorted by name."""
    try:
        done = await host.run(
            ("systemctl", "list-units", "--type=service", "--all", "--plain", "--no-legend", "--no-pager")
        )
    except CannotLook:
        return ()
    return read_units(done.stdout) if done.exit_code == 0 else ()


def read_units(text: str) -> tuple[ServiceState, ...]:
    """The services of `systemctl list-units --plain --no-legend`: UNIT LOAD ACTIVE SUB DESCRIPTION."""
    found = []
    for line in text.splitlines():
        words = line.split(None, 4)
        if len(words) >= 4 and words[0].endswith(".service") and words[1] == "loaded":
            found.append(ServiceState(name=words[0].removesuffix(".service"), running=words[3] == "running"))
    return tuple(sorted(found, key=lambda service: service.name)[:MAX_SERVICES])
