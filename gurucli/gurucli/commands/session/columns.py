"""Who somebody is at which server, shared by the verbs about signing in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gurucli.human import ago
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, plain

COLUMNS = (
    Column("name", keep=True), Column("role", show=lambda row, _: Cell(_roles(row))), Column("tenant"),
    Column("url", keep=True), Column("context"),
    Column("server_version", "SERVER"), Column("expires_at", "EXPIRES", time=True), Column("kind", wide=True),
    Column("roles", wide=True), Column("scope", wide=True), Column("verbs", wide=True),
)


def _held(who: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The roles; a server from before roles came from Git names none."""
    roles = who.get("roles")
    return [role for role in roles if isinstance(role, dict)] if isinstance(roles, list) else []


def _roles(who: Mapping[str, object]) -> str:
    """The fixed role, or those that bindings give."""
    names = dict.fromkeys(plain(role.get("role")) for role in _held(who))
    return plain(who.get("role")) or ", ".join(names) or "no role"


def told(who: Mapping[str, object], paper: Paper) -> Iterator[str]:
    """Who and where, then a line for each role that a binding gives and one for what the token is limited to."""
    expires = who.get("expires_at")
    until = f"{paper.dot}token ends {ago(expires, paper.now)}" if isinstance(expires, int) else ""
    yield (f"{paper.paint(plain(who.get('name')), 'title')}  {_roles(who)}"
           f"{paper.dot}tenant {plain(who.get('tenant'))}{until}")
    yield paper.paint(f"{plain(who.get('url'))}{paper.dot}context {plain(who.get('context'))}{paper.dot}"
                      f"server {plain(who.get('server_version'))}", "dim")
    if not who.get("role"):
        for role in _held(who):
            yield (f"  {plain(role.get('role'))} in {plain(role.get('scope'))} by binding {plain(role.get('binding'))}"
                   f"  {paper.paint(plain(role.get('at')), 'dim')}")
    verbs, scope = plain(who.get("verbs")), plain(who.get("scope"))
    if verbs or scope not in ("", "org"):
        yield f"  this token is only for {verbs or 'everything'} in {scope}"
