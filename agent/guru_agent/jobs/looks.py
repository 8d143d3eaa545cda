"""The looks that an order may name: fixed in code, so that nobody can make one up. It runs none itself."""

from __future__ import annotations

from collections.abc import Mapping

from guru_agent.jobs.runner import Look

LOOKS: Mapping[str, Look] = {}
