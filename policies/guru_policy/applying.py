"""Which policies, action sets and brandings apply to a device, as layers. It merges nothing."""

from __future__ import annotations

from guru_policy.bundle import AgentSettings
from guru_policy.conditions import Subject
from guru_policy.faults import Origin
from guru_policy.fleet import Fleet, Sources
from guru_policy.inventory import Device
from guru_policy.kinds.action_set import ACTION_SECTIONS, ActionSet
from guru_policy.kinds.branding import AROUND, Branding
from guru_policy.kinds.device_group import DeviceGroup
from guru_policy.kinds.policy import SECTIONS, Policy
from guru_policy.labels import labels_of
from guru_policy.layering import BUILT_IN, CUSTOMER, DEVICE, GROUP, ORG, SITE, Layer, Rank, Resolver
from guru_policy.matching import Matcher
from guru_policy.merged import Table
from guru_policy.objects.markers import removes
from guru_policy.objects.object import Object
from guru_policy.objects.scopes import ORG as ORG_SCOPE
from guru_policy.objects.scopes import Scope
from guru_policy.text.nodes import Node
from guru_policy.trusting import decided_by_facts

LAYERED = ("Policy", "ActionSet", "Branding")
ADDRESSING = (*LAYERED, "DeviceGroup", "Customer", "Site")     # kinds whose selectors and labels decide who gets what
POLICY_MODE = "$mode"                   # in a resource: the mode of the policies that speak of it


def built_in() -> Layer:
    """What holds when no policy says anything."""
    settings = {key: Node(value, 0, 0, 0, 0) for key, value in AgentSettings().model_dump().items()}
    node = Node({"agent": Node(settings, 0, 0, 0, 0)}, 0, 0, 0, 0)
    return Layer((BUILT_IN, 0), "built-in", "", "", node)


Scoped = tuple[Matcher, tuple[Layer, ...]]
Reach = tuple[tuple[Scope, tuple[int, ...]], ...]       # positions among the layers of each scope
Whom = tuple[tuple[object, ...], ...]


class Common:
    """What every customer shares: the organisation's and the groups' policies, and what they merge to."""

    def __init__(self, org: Fleet) -> None:
        self.groups = org.groups()
        self.group_matcher = Matcher([group.selector for group in self.groups])
        self.priorities: dict[str, int] = {
            group.name: group.spec.priority for group in self.groups if isinstance(group.spec, DeviceGroup)
        }
        self.selectors = {group.name: group.selector for group in self.groups}
        self.scopes: dict[Scope, Scoped] = {}
        self.first = built_in()
        self.resolver = Resolver()
        self.read: dict[int, tuple[Table, object]] = {}     # what rendering.Renderer made of their items
        self.whom: Whom = tuple(_addressed(item) for item in org.owned_by(None) if item.key.kind in ADDRESSING)


def common_of(org: Fleet) -> Common:
    """Made once for a fleet."""
    known = org.memory.get("common")
    if not isinstance(known, Common):
        known = org.memory["common"] = Common(org)
    return known


class Applying:
    """The policies in force for one customer, ready to be asked for any of its devices."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self.common = common_of(sources.org)
        self._scopes: dict[Scope, Scoped] = {}

    def layers(self, device: Device) -> tuple[Layer, ...]:
        """Every layer that applies to the device."""
        return self.at(self.reach(device))

    def at(self, reach: Reach) -> tuple[Layer, ...]:
        """The layers at these places, and the built-in one below them all."""
        return (self.common.first, *(self._of(scope)[1][i] for scope, places in reach for i in places))

    def reach(self, device: Device) -> Reach:
        """Where the layers are that apply to the device."""
        return self.reached(device)[0]

    def reached(self, device: Device) -> tuple[Reach, frozenset[str]]:
        """Where the layers are that apply to the device, and its groups. It only depends on the device and `whom`."""
        subject, names = self._subject(device)
        customer, site = device.place
        scopes = (
            ORG_SCOPE, Scope("customer", customer), Scope("site", customer, site),
            *(Scope("group", group=name) for name in names),
        )
        found = [(scope, self._of(scope)[0].matching(subject)) for scope in scopes]
        own = Scope("device", customer, site)
        matcher, layers = self._of(own)
        name = f"device {device.name.lower()}"
        found.append((own, tuple([i for i in matcher.matching(subject) if layers[i].label == name])))
        return tuple([(scope, places) for scope, places in found if places]), subject.groups

    def whom(self, customer: str) -> tuple[Whom, Whom]:
        """All that decides which devices of the customer a layer reaches: the organisation's and its own."""
        own = self._sources.customer.owned_by(customer)
        return self.common.whom, tuple([_addressed(item) for item in own if item.key.kind in ADDRESSING])

    def subject(self, device: Device) -> Subject:
        """What selectors see of the device: all its labels, its place, and the groups it is in."""
        return self._subject(device)[0]

    def _subject(self, device: Device) -> tuple[Subject, list[str]]:
        labels = labels_of(self._sources.customer, device)
        subject = Subject(labels, device.place, device.name, device.id)
        names = [self.common.groups[i].name for i in self.common.group_matcher.matching(subject)]
        return subject._replace(groups=frozenset(names)), names

    def _of(self, scope: Scope) -> Scoped:
        """The scope's layers, each with its selector. Made once."""
        scopes = self._scopes if scope.customer else self.common.scopes
        known = scopes.get(scope)
        if known is None:
            fleet = self._sources.customer if scope.customer else self._sources.org
            rank, label = self._rank(scope)
            items = [item for kind in LAYERED for item in fleet.in_scope(kind, scope)]
            layers = [
                layer_of(fleet, item, rank, label or f"device {item.name}",
                         by_facts=decided_by_facts(item, self.common.selectors))
                for item in items
            ]
            known = Matcher([item.selector for item in items]), tuple(layers)
            scopes[scope] = known
        return known

    def _rank(self, scope: Scope) -> tuple[Rank, str]:
        """The rank of a scope's layers and their label; a device's own are named one by one."""
        match scope.level:
            case "customer":
                return (CUSTOMER, 0), f"customer {scope.customer}"
            case "site":
                return (SITE, 0), f"site {scope.customer}/{scope.site}"
            case "group":
                return (GROUP, self.common.priorities[scope.group]), f"group {scope.group}"
            case "device":
                return (DEVICE, 0), ""
        return (ORG, 0), "org"


def _addressed(item: Object) -> tuple[object, ...]:
    """What says whom an object is for, and its place among others. Labels as text: true is not 1."""
    return item.key, item.path, item.selector.text, repr(item.labels) if item.labels else ""


def layer_of(fleet: Fleet, item: Object, rank: Rank, label: str, *, by_facts: bool = False) -> Layer:
    """An object of a LAYERED kind as a layer: what it says, under the names that paths begin with."""
    sections = {"Policy": _policy, "ActionSet": _actions, "Branding": _branding}[item.key.kind](item.node)
    enforced = item.spec.enforced if isinstance(item.spec, Policy | ActionSet | Branding) else ()
    return Layer(
        rank, label, fleet.revision, item.path, item.node._replace(value=sections),
        tuple((tuple(path.split(".")), _lock_place(item, path)) for path in enforced), by_facts,
    )


def _policy(node: Node) -> dict[str, Node]:
    """The sections of a policy, with its mode written into each of its resources."""
    sections = {key: entry for key in SECTIONS if (entry := node.get(key)) is not None}
    mode = node.get("mode")
    resources = sections.get("resources")
    if mode is not None and mode.value is not None and resources is not None:
        sections["resources"] = _with_mode(resources, mode)
    return sections


def _actions(node: Node) -> dict[str, Node]:
    return {key: entry for key in ACTION_SECTIONS if (entry := node.get(key)) is not None}


def _branding(node: Node) -> dict[str, Node]:
    """All of the spec but what says whom it is for; nothing when that is all there is."""
    if not isinstance(node.value, dict):
        return {}
    said = {key: entry for key, entry in node.value.items() if key not in AROUND}
    return {"branding": node._replace(value=said)} if said else {}


def _with_mode(resources: Node, mode: Node) -> Node:
    if not isinstance(resources.value, dict):
        return resources
    entries = {
        key: entry._replace(value={**entry.value, POLICY_MODE: mode})
        if isinstance(entry.value, dict) and entry.value and not removes(entry) else entry
        for key, entry in resources.value.items()
    }
    return resources._replace(value=entries)


def _lock_place(policy: Object, path: str) -> Origin:
    written = policy.node.get("enforced")
    entries: list[Node] = written.value if written is not None and isinstance(written.value, list) else []
    found = next((entry for entry in entries if entry.value == path), None)
    return found.at(policy.path) if found is not None else policy.place("enforced")

