"""How far the telling of an alert is, as its row keeps it. It decides nothing."""

from __future__ import annotations

import json
from dataclasses import asdict

from guru_policy.alerting.telling import Progress


def written(progress: Progress) -> str:
    """JSON."""
    return json.dumps(asdict(progress))


def read(text: str | None) -> Progress | None:
    """The progress; None for an alert of which nothing was counted yet."""
    if text is None:
        return None
    said = json.loads(text)
    return Progress(
        since=said["since"], heard=said.get("heard", 0), waited=said.get("waited", 0),
        muted=tuple(said.get("muted", ())), acknowledged=said.get("acknowledged", False),
        rounds=said.get("rounds", {}), told=tuple(said.get("told", ())),
    )
