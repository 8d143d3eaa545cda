"""The first tenant's name: of a server that serves one MSP, the only one. It imports nothing."""

from __future__ import annotations

TENANT = "main"
