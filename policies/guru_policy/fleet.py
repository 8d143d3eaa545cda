"""One revision of a fleet repository, read: its objects and its faults. It reads no files itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from guru_policy.faults import Fault
from guru_policy.inventory import Scalar
from guru_policy.kinds.secret import Secret
from guru_policy.objects.object import Key, Object
from guru_policy.objects.scopes import GROUPS, ORG, ROOT, Scope, owner_of
from guru_policy.tree import Entry


@dataclass(frozen=True)
class Fleet:
    """`faults` are sorted by place, warnings (`severity`) among them.

    `shared` is what pure functions remember from one revision to the next, to be quick: fleets that were read
    through one ParseCache have one. It never changes an answer.
    """

    revision: str
    objects: Mapping[Key, Object]
    assets: Mapping[str, Entry]
    faults: tuple[Fault, ...] = ()
    shared: dict[str, object] = field(default_factory=dict, compare=False, repr=False)

    def faults_of(self, customer: str | None) -> tuple[Fault, ...]:
        """The faults that belong to a customer; with None, to the organisation: these refuse all."""
        return tuple(fault for fault in self.faults if owner_of(fault.origin.path) == customer)

    def customers(self) -> tuple[str, ...]:
        """Every customer who has objects or faults, sorted."""
        found = {key.scope.customer for key in self.objects if key.scope.customer}
        found |= {owner for fault in self.faults if (owner := owner_of(fault.origin.path))}
        return tuple(sorted(found))

    def sites(self, customer: str) -> tuple[str, ...]:
        """The customer's sites, sorted."""
        return tuple(sorted(
            key.name for key in self.objects if key.kind == "Site" and key.scope.customer == customer
        ))

    def owned_by(self, customer: str | None) -> tuple[Object, ...]:
        """The objects below a customer's folders, in the order of their files; with None all the others."""
        return self._by_owner.get(customer, ())

    def get(self, kind: str, scope: Scope, name: str) -> Object | None:
        """One object by its identity."""
        return self.objects.get(Key(kind, scope, name))

    def in_scope(self, kind: str, scope: Scope) -> tuple[Object, ...]:
        """The objects of a kind in exactly this scope, by place."""
        return self._by_scope.get((kind, scope), ())

    def fleet_object(self) -> Object | None:
        """The one Fleet object."""
        return next(iter(self.in_scope("Fleet", ROOT)), None)

    def customer(self, name: str) -> Object | None:
        """The Customer object."""
        return self.get("Customer", Scope("customer", name), name)

    def site(self, customer: str, name: str) -> Object | None:
        """The Site object."""
        return self.get("Site", Scope("site", customer, name), name)

    def groups(self) -> tuple[Object, ...]:
        """The DeviceGroup objects, by name."""
        return tuple(sorted(self.in_scope("DeviceGroup", GROUPS), key=lambda group: group.name))

    def alert_rules(self, customer: str) -> tuple[Object, ...]:
        """The AlertRules of a customer: its own, and the organisation's that it does not name anew."""
        return self._nearest("AlertRule", customer)

    def channels(self, customer: str) -> tuple[Object, ...]:
        """The NotificationChannels that the customer's rules may name."""
        return self._nearest("NotificationChannel", customer)

    def secrets(self) -> tuple[tuple[Object, Secret], ...]:
        """The Secret objects with their specs, in the order of their places."""
        found = [(item, item.spec) for item in self.objects.values() if isinstance(item.spec, Secret)]
        return tuple(sorted(found, key=lambda pair: pair[0].origin))

    def asset_entries(self) -> Mapping[str, Entry]:
        """The files that resources carry, by path."""
        return self.assets

    def git_labels(self, customer: str, site: str) -> Mapping[str, Scalar]:
        """What Customer and Site say, the nearer one first; keys with `git/`."""
        known = self._labels.get((customer, site))
        if known is None:
            known = {}
            for found in (self.customer(customer), self.site(customer, site)):
                known.update({f"git/{key}": value for key, value in (found.labels if found else {}).items()})
            self._labels[customer, site] = known
        return known

    @cached_property
    def memory(self) -> dict[str, object]:
        """What pure functions remember of this fleet, to be quick; it never changes an answer."""
        return {}

    def _nearest(self, kind: str, customer: str) -> tuple[Object, ...]:
        found = {item.name: item for item in self.in_scope(kind, ORG)}
        found |= {item.name: item for item in self.in_scope(kind, Scope("customer", customer))}
        return tuple(found[name] for name in sorted(found))

    @cached_property
    def _by_scope(self) -> dict[tuple[str, Scope], tuple[Object, ...]]:
        found: defaultdict[tuple[str, Scope], list[Object]] = defaultdict(list)
        for key, item in self.objects.items():
            found[key.kind, key.scope].append(item)
        return {place: tuple(sorted(items, key=lambda item: item.origin)) for place, items in found.items()}

    @cached_property
    def _by_owner(self) -> dict[str | None, tuple[Object, ...]]:
        found: defaultdict[str | None, list[Object]] = defaultdict(list)
        for key, item in self.objects.items():
            found[key.scope.customer or None].append(item)
        return {owner: tuple(items) for owner, items in found.items()}

    @cached_property
    def _labels(self) -> dict[tuple[str, str], dict[str, Scalar]]:
        return {}


@dataclass(frozen=True)
class Sources:
    """What is in force for a customer: the organisation's files of one revision, its own of another."""

    org: Fleet
    customer: Fleet

    def alert_rules(self, customer: str) -> tuple[Object, ...]:
        """The AlertRules in force; a customer's own rule hides the organisation's of its name."""
        return self._nearest("AlertRule", customer)

    def channels(self, customer: str) -> tuple[Object, ...]:
        """The NotificationChannels that the customer's rules may name."""
        return self._nearest("NotificationChannel", customer)

    def escalations(self, customer: str) -> tuple[Object, ...]:
        """The EscalationPolicies in force; a customer's own one hides the organisation's of its name."""
        return self._nearest("EscalationPolicy", customer)

    def _nearest(self, kind: str, customer: str) -> tuple[Object, ...]:
        found = {item.name: item for item in self.org.in_scope(kind, ORG)}
        found |= {item.name: item for item in self.customer.in_scope(kind, Scope("customer", customer))}
        return tuple(found[name] for name in sorted(found))
