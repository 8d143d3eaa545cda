"""Who somebody is at which server, shared by the verbs about signing in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gurucli.human import ago
from gurucli.paper import Paper
from gurucli.sheet import Column, plain

COLUMNS = (
    Column("name", keep=True), Column("role"), Column("tenant"), Column("url", keep=True), Column("context"),
    Column("server_version", "SERVER"), Column("expires_at", "EXPIRES", time=True),
)


def told(who: Mapping[str, object], paper: Paper) -> Iterator[str]:
    """Two lines: who and where."""
    expires = who.get("expires_at")
    until = f"{paper.dot}token ends {ago(expires, paper.now)}" if isinstance(expires, int) else ""
    yield (f"{paper.paint(plain(who.get('name')), 'title')}  {plain(who.get('role'))}"
           f"{paper.dot}tenant {plain(who.get('tenant'))}{until}")
    yield paper.paint(f"{plain(who.get('url'))}{paper.dot}context {plain(who.get('context'))}{paper.dot}"
                      f"server {plain(who.get('server_version'))}", "dim")
