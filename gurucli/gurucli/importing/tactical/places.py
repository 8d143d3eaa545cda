"""Clients and sites of Tactical RMM to Customers and Sites, and where each of its policies is in force. Pure.

Tactical tells servers and workstations apart by a choice of its installer. Here that is the label `op/role`, which a
technician sets: `guru device label -l ... role=server`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from guru_policy.timezones import ZONES
from gurucli.importing.drafts import Draft, Drafts, given
from gurucli.importing.tactical.models import Client, Site
from gurucli.importing.tactical.reading import From, ModelT, Parts

SERVER, WORKSTATION = "server", "workstation"


class Use(NamedTuple):
    """Somewhere that a policy or template is in force; without a customer it is everywhere."""

    folder: str
    customer: str = ""
    site: str = ""
    roles: frozenset[str] = frozenset({SERVER, WORKSTATION})


@dataclass
class Places:
    """Names by Tactical's ids, and the uses of policies and alert templates by theirs."""

    customers: dict[int, str] = field(default_factory=dict)
    sites: dict[int, tuple[str, str]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)       # customers that take no policy from above
    policies: dict[int, list[Use]] = field(default_factory=dict)
    templates: dict[int, list[Use]] = field(default_factory=dict)


def map_places(parts: Parts, drafts: Drafts) -> Places:
    """Customers and Sites into `drafts`, in mode observe: agents say what they would do, and do nothing."""
    places = Places()
    roles: defaultdict[int, defaultdict[Use, set[str]]] = defaultdict(lambda: defaultdict(set))
    templates: defaultdict[int, list[Use]] = defaultdict(list)
    zone = parts.settings.thing.default_time_zone if parts.settings else None
    _defaults(parts, roles, templates)
    for source, client in _in_order(parts.clients):
        name = drafts.name("customers", client.name, f"client-{client.id}")
        places.customers[client.id] = name
        here = Use(f"customers/{name}", name)
        spec = given({"displayName": client.name[:200] or name, "timezone": zone if zone in ZONES else None,
                      "mode": "observe"})
        drafts.objects.append(Draft("Customer", here.folder, name, spec, source))
        _assigned(client, here, roles, templates)
        if client.block_policy_inheritance:
            places.closed.add(name)
        _fields_left(client, source, drafts)
        for site in sorted(client.sites, key=lambda one: one.id):
            _site(site, source, name, drafts, places)
            named = places.sites[site.id][1]
            _assigned(site, Use(f"customers/{name}/sites/{named}", name, named), roles, templates)
    places.policies = {
        ident: [use._replace(roles=frozenset(found)) for use, found in uses.items()] for ident, uses in roles.items()
    }
    places.templates = dict(templates)
    return places


def _site(site: Site, source: str, customer: str, drafts: Drafts, places: Places) -> None:
    name = drafts.name(f"sites of {customer}", site.name, f"site-{site.id}")
    places.sites[site.id] = (customer, name)
    folder = f"customers/{customer}/sites/{name}"
    about = f"{source}, site {site.name}"
    drafts.objects.append(Draft("Site", folder, name, {"displayName": site.name[:200] or name}, about))
    if site.block_policy_inheritance:
        drafts.leave(about, f"block_policy_inheritance of {site.name}",
                     "a site takes what its customer has; give its policies a selector `site notin (...)`")
    _fields_left(site, about, drafts)


def _fields_left(thing: Client | Site, source: str, drafts: Drafts) -> None:
    if thing.custom_fields:
        drafts.leave(source, f"{len(thing.custom_fields)} custom fields of {thing.name}",
                     "they may hold secrets; what devices are chosen by goes into metadata.labels")


def _defaults(
    parts: Parts, roles: defaultdict[int, defaultdict[Use, set[str]]], templates: defaultdict[int, list[Use]]
) -> None:
    """What is in force everywhere."""
    everywhere = Use("org")
    for _, policy in _in_order(parts.policies):
        for role, default in ((SERVER, policy.default_server_policy), (WORKSTATION, policy.default_workstation_policy)):
            if default:
                roles[policy.id][everywhere].add(role)
    if parts.settings:
        chosen = parts.settings.thing
        for role, ident in ((SERVER, chosen.server_policy), (WORKSTATION, chosen.workstation_policy)):
            if ident is not None:
                roles[ident][everywhere].add(role)
        if chosen.alert_template is not None:
            templates[chosen.alert_template].append(everywhere)


def _assigned(
    thing: Client | Site, here: Use, roles: defaultdict[int, defaultdict[Use, set[str]]],
    templates: defaultdict[int, list[Use]],
) -> None:
    for role, ident in ((SERVER, thing.server_policy), (WORKSTATION, thing.workstation_policy)):
        if ident is not None:
            roles[ident][here].add(role)
    if thing.alert_template is not None:
        templates[thing.alert_template].append(here)


def selector_of(roles: frozenset[str], *terms: str) -> str:
    """A selector of these terms and of devices in these roles."""
    role = f"op/role={next(iter(roles))}" if len(roles) == 1 else ""
    return ",".join(term for term in (*terms, role) if term)


def without(names: Sequence[str], key: str) -> str:
    """A term that leaves these out; empty for none."""
    return f"{key} notin ({','.join(sorted(names))})" if names else ""


def _in_order(things: Mapping[int, From[ModelT]]) -> list[From[ModelT]]:
    return [things[ident] for ident in sorted(things)]
