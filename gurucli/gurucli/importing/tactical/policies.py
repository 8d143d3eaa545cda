"""Policies of Tactical RMM to Policies at the places where they are in force. Pure.

A nearer policy wins in both products, so each goes to the folder of the client or site that it is assigned to; one that
several clients share is written once, in org/, when no other policy there says something about the same ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from gurucli.importing.drafts import Draft, Drafts, given
from gurucli.importing.tactical.checks import Mapped, map_checks
from gurucli.importing.tactical.models import Check, Policy
from gurucli.importing.tactical.places import Places, Use, selector_of, without
from gurucli.importing.tactical.reading import From, Parts
from gurucli.importing.tactical.scripts import Body


class InForce(NamedTuple):
    """A policy of Tactical's, what became of its checks, and the places that it is written to."""

    source: str
    policy: Policy
    name: str
    items: Sequence[Mapped]
    targets: Sequence[tuple[str, str]]  # folder and selector


def map_policies(parts: Parts, places: Places, bodies: Mapping[int, Body], drafts: Drafts) -> dict[int, InForce]:
    """Policies into `drafts`, by Tactical's id those that are in force somewhere."""
    checks = _checks(parts, drafts)
    read: list[tuple[str, Policy, str, list[Mapped], list[Use]]] = []
    for ident in sorted(parts.policies):
        source, policy = parts.policies[ident]
        uses = places.policies.get(ident, [])
        reason = "" if policy.active else "it is not active"
        if not uses:
            reason = reason or "it is assigned to no client, site or default"
        if reason:
            drafts.leave(source, policy.name, f"{reason}, so no device has it")
            continue
        name = drafts.name("policies", policy.name, f"policy-{ident}")
        _exceptions(source, policy, drafts)
        read.append((source, policy, name, map_checks(checks.get(ident, []), bodies, drafts), uses))
    shared = _shared([(name, items, uses) for _, _, name, items, uses in read])
    said = _said_by_several([items for _, _, _, items, _ in read])
    found = {}
    for source, policy, name, items, uses in read:
        targets = _targets(policy, uses, places, once=name in shared)
        if policy.excluded_sites and any(folder == "org" for folder, _ in targets):
            drafts.leave(source, f"{len(policy.excluded_sites)} sites that {policy.name} leaves out",
                         "two customers may have sites of one name; label these sites and add `!label` to the selector")
        found[policy.id] = InForce(source, policy, name, items, targets)
        _write(found[policy.id], said, drafts)
    return found


def _checks(parts: Parts, drafts: Drafts) -> dict[int, list[From[Check]]]:
    """The checks of each policy."""
    found: defaultdict[int, list[From[Check]]] = defaultdict(list)
    for ident in sorted(parts.checks):
        one = parts.checks[ident]
        if one.thing.policy is None:
            what = one.thing.readable_desc or one.thing.check_type
            drafts.leave(one.source, what, "a check of one agent: write it into a Policy of that device")
        else:
            found[one.thing.policy].append(one)
    for policy in sorted(found.keys() - parts.policies.keys()):
        drafts.leave(found[policy][0].source, f"checks of policy {policy}", "their policy is not in the export")
    return found


def _exceptions(source: str, policy: Policy, drafts: Drafts) -> None:
    if policy.excluded_agents:
        drafts.leave(source, f"{len(policy.excluded_agents)} agents that {policy.name} leaves out",
                     "label these devices and add `!label` to the selector")
    if policy.winupdatepolicy:
        drafts.leave(source, f"patch policy of {policy.name}", "there is no kind for Windows updates")


def _shared(read: Sequence[tuple[str, Sequence[Mapped], Sequence[Use]]]) -> set[str]:
    """Names of policies that several clients share, and that say nothing about an id of another one in org/."""
    candidates = {name for name, _, uses in read if len(uses) > 1
                  and all(use.customer and not use.site for use in uses) and len({use.roles for use in uses}) == 1}
    speakers: defaultdict[str, set[str]] = defaultdict(set)
    for name, items, uses in read:
        if name in candidates or any(not use.customer for use in uses):
            for item in items:
                speakers[item.name].add(name)
    clashing = {name for names in speakers.values() if len(names) > 1 for name in names}
    return candidates - clashing


def _said_by_several(read: Sequence[Sequence[Mapped]]) -> set[str]:
    """Ids that more than one policy speaks of: those cannot be enforced without a fault somewhere."""
    seen: set[str] = set()
    twice: set[str] = set()
    for items in read:
        for item in items:
            (twice if item.name in seen else seen).add(item.name)
    return twice


def _targets(policy: Policy, uses: Sequence[Use], places: Places, *, once: bool) -> list[tuple[str, str]]:
    """Folder and selector of every copy."""
    out = [places.customers[ident] for ident in policy.excluded_clients if ident in places.customers]
    if once:
        customers = sorted({use.customer for use in uses} - set(out))
        return [("org", selector_of(uses[0].roles, f"customer in ({','.join(customers)})"))] if customers else []
    targets = []
    for use in uses:
        if use.customer in out:
            continue
        sites = [site for customer, site in (places.sites.get(one, ("", "")) for one in policy.excluded_sites)
                 if customer and customer == use.customer]
        if use.site in sites:
            continue
        terms = [without(sites, "site")] if not use.site else []
        if not use.customer:
            terms.append(without([*out, *places.closed], "customer"))
        targets.append((use.folder, selector_of(use.roles, *terms)))
    return targets


def _write(found: InForce, said: set[str], drafts: Drafts) -> None:
    """A Policy for what Linux has and one for what Windows has, at every place."""
    for section, system, suffix in (("checks", "linux", ""), ("resources", "windows", "windows")):
        items: dict[str, JsonValue] = {one.name: dict(one.spec) for one in found.items if one.section == section}
        if not items:
            continue
        locked = [f"{section}.{name}" for name in items if name not in said] if found.policy.enforced else []
        wish = f"{found.policy.name} {suffix}"
        name = drafts.name("policies", wish, f"{found.name}-{suffix}") if suffix else found.name
        for folder, selector in found.targets:
            drafts.objects.append(Draft("Policy", f"{folder}/policies", name, given({
                "selector": ",".join(term for term in (selector, f"fact/os={system}") if term),
                "enforced": list(locked) or None, section: items,
            }), found.source, f"{found.policy.name}, of Tactical RMM."))
    if found.policy.enforced and any(one.name in said for one in found.items):
        drafts.leave(found.source, f"enforced, of {found.policy.name}",
                     "other policies say something about the same checks; here two that disagree are a fault")
