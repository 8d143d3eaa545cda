"""Every check kind there is, by name. It lists them; nothing is found by scanning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from guru_policy.checks.base import Check
from guru_policy.checks.cpu import Cpu
from guru_policy.checks.disk_space import DiskSpace
from guru_policy.checks.http import Http
from guru_policy.checks.memory import Memory
from guru_policy.checks.port import Port
from guru_policy.checks.process import Process
from guru_policy.checks.script import Script
from guru_policy.checks.service import Service

AnyCheck = Annotated[
    Cpu | DiskSpace | Http | Memory | Port | Process | Script | Service, Field(discriminator="kind")
]

CHECKS: Mapping[str, type[Check]] = {
    "cpu": Cpu,
    "disk_space": DiskSpace,
    "http": Http,
    "memory": Memory,
    "port": Port,
    "process": Process,
    "script": Script,
    "service": Service,
}
