"""A whole export of Tactical RMM to objects of a fleet repository, in the order of its ids. It writes nothing."""

from __future__ import annotations

from pathlib import Path

from gurucli.importing.drafts import Drafts
from gurucli.importing.tactical.alerts import map_alerts
from gurucli.importing.tactical.places import map_places
from gurucli.importing.tactical.policies import map_policies
from gurucli.importing.tactical.reading import read_parts
from gurucli.importing.tactical.scripts import map_scripts
from gurucli.importing.tactical.tasks import map_tasks, used_scripts


def from_tactical(place: Path) -> Drafts:
    """What the export makes. InputInvalid when it is none."""
    drafts = Drafts()
    parts = read_parts(place, drafts)
    places = map_places(parts, drafts)
    bodies = map_scripts(parts, drafts, used_scripts(parts))
    policies = map_policies(parts, places, bodies, drafts)
    map_tasks(parts, policies, bodies, drafts)
    map_alerts(parts, places, policies, drafts)
    return drafts
