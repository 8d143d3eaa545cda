"""The resource kinds, written out: `AnyResource` is the registry and the type at once."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from guru_policy.resources.apt_package import AptPackage
from guru_policy.resources.command import Command
from guru_policy.resources.cron_job import CronJob
from guru_policy.resources.directory import Directory
from guru_policy.resources.file import File
from guru_policy.resources.systemd_unit import SystemdUnit
from guru_policy.resources.user import User

AnyResource = Annotated[
    AptPackage | Command | CronJob | Directory | File | SystemdUnit | User, Field(discriminator="kind")
]
RESOURCES: Mapping[str, type[AptPackage | Command | CronJob | Directory | File | SystemdUnit | User]] = (
    MappingProxyType({
        "apt_package": AptPackage,
        "command": Command,
        "cron_job": CronJob,
        "directory": Directory,
        "file": File,
        "systemd_unit": SystemdUnit,
        "user": User,
    })
)
