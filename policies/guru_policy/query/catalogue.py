"""Every table, in an explicit list. No rows."""

from guru_policy.query.files import AGENT, ENV, FILES
from guru_policy.query.machine import DISKS, HARDWARE, INTERFACES, KERNEL, MOUNTS, OS, ROUTES, SMART, USB
from guru_policy.query.people import CRON, EVENTS, LOGGED_IN, SCHEDULED_TASKS, USERS
from guru_policy.query.running import CONNECTIONS, CONTAINERS, LISTENING_PORTS, PROCESSES, SERVICES
from guru_policy.query.software import ANTIVIRUS, CERTIFICATES, FIREWALL, PACKAGES, UPDATES
from guru_policy.query.table import Table

TABLES: tuple[Table, ...] = (
    AGENT, ANTIVIRUS, CERTIFICATES, CONNECTIONS, CONTAINERS, CRON, DISKS, ENV, EVENTS, FILES, FIREWALL, HARDWARE,
    INTERFACES, KERNEL, LISTENING_PORTS, LOGGED_IN, MOUNTS, OS, PACKAGES, PROCESSES, ROUTES, SCHEDULED_TASKS,
    SERVICES, SMART, UPDATES, USB, USERS,
)
BY_NAME = {table.name: table for table in TABLES}
