"""Who makes the rows of which table, in an explicit list."""

from guru_agent.query.rows import Rows
from guru_agent.query.tables import (
    certificates,
    containers,
    disks,
    events,
    files,
    itself,
    machine,
    network,
    packages,
    people,
    processes,
    protection,
    services,
    timed,
)

ROWS: dict[str, Rows] = {
    "agent": itself.agent, "antivirus": protection.antivirus, "certificates": certificates.certificates,
    "connections": network.connections, "containers": containers.containers, "cron": timed.cron,
    "disks": disks.disks, "env": itself.env, "events": events.events, "files": files.files,
    "firewall": protection.firewall, "hardware": machine.hardware, "interfaces": network.interfaces,
    "kernel": machine.kernel, "listening_ports": network.listening_ports, "logged_in": people.logged_in,
    "mounts": disks.mounts, "os": machine.os, "packages": packages.packages, "processes": processes.processes,
    "routes": network.routes, "scheduled_tasks": timed.scheduled_tasks, "services": services.services,
    "smart": disks.smart, "updates": packages.updates, "usb": machine.usb, "users": people.users,
}
"""By the table's name: every name of guru_policy.query, and no other."""
