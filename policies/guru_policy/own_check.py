"""The check that every agent runs by itself: whether its own files are as they were installed. No policy names it."""

from __future__ import annotations

OWN_CHECK = "guru-agent-files"
