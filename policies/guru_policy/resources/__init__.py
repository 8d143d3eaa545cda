"""Every resource kind there is, by name. It lists them; nothing is found by scanning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from guru_policy.resources.apt_package import AptPackage
from guru_policy.resources.archive import Archive
from guru_policy.resources.authorized_key import AuthorizedKey
from guru_policy.resources.base import Resource
from guru_policy.resources.certificate import Certificate
from guru_policy.resources.command import Command
from guru_policy.resources.cron_job import CronJob
from guru_policy.resources.directory import Directory
from guru_policy.resources.file import File
from guru_policy.resources.firewall_rule import FirewallRule
from guru_policy.resources.git_checkout import GitCheckout
from guru_policy.resources.group import Group
from guru_policy.resources.hosts_entry import HostsEntry
from guru_policy.resources.launchd_job import LaunchdJob
from guru_policy.resources.package import Package
from guru_policy.resources.registry_value import RegistryValue
from guru_policy.resources.scheduled_task import ScheduledTask
from guru_policy.resources.sysctl import Sysctl
from guru_policy.resources.systemd_unit import SystemdUnit
from guru_policy.resources.user import User
from guru_policy.resources.vpn_profile import VpnProfile
from guru_policy.resources.windows_service import WindowsService

AnyResource = Annotated[
    AptPackage
    | Archive
    | AuthorizedKey
    | Certificate
    | Command
    | CronJob
    | Directory
    | File
    | FirewallRule
    | GitCheckout
    | Group
    | HostsEntry
    | LaunchdJob
    | Package
    | RegistryValue
    | ScheduledTask
    | Sysctl
    | SystemdUnit
    | User
    | VpnProfile
    | WindowsService,
    Field(discriminator="kind"),
]

# Any: each kind has a state type of its own, which only the kind itself looks into.
RESOURCES: Mapping[str, type[Resource[Any]]] = {
    "apt_package": AptPackage,
    "archive": Archive,
    "authorized_key": AuthorizedKey,
    "certificate": Certificate,
    "command": Command,
    "cron_job": CronJob,
    "directory": Directory,
    "file": File,
    "firewall_rule": FirewallRule,
    "git_checkout": GitCheckout,
    "group": Group,
    "hosts_entry": HostsEntry,
    "launchd_job": LaunchdJob,
    "package": Package,
    "registry_value": RegistryValue,
    "scheduled_task": ScheduledTask,
    "sysctl": Sysctl,
    "systemd_unit": SystemdUnit,
    "user": User,
    "vpn_profile": VpnProfile,
    "windows_service": WindowsService,
}
