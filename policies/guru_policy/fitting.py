"""Whether objects that name each other also suit each other: parameters, places, versions, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from guru_policy.faults import Fault
from guru_policy.kinds.agent_release import AgentRelease
from guru_policy.kinds.binding import Binding
from guru_policy.kinds.command_template import CommandTemplate
from guru_policy.kinds.rollout import Rollout
from guru_policy.kinds.schedule import Schedule
from guru_policy.kinds.secret import MAX_SECRET, Secret
from guru_policy.kinds.test import Test
from guru_policy.objects.object import Key, Object
from guru_policy.objects.scopes import ORG, Scope
from guru_policy.quantities import shown
from guru_policy.text.suggesting import did_you_mean
from guru_policy.tree import Entry


class Names(NamedTuple):
    """What exists. `broken` objects exist and have faults; of `unread` scopes we do not know."""

    objects: Mapping[Key, Object]
    broken: Set[Key]
    unread: Set[Scope]

    def has(self, key: Key) -> bool:
        """Whether it exists, or may exist in a file that could not be read."""
        return key in self.objects or key in self.broken or key.scope in self.unread


def chain_of(item: Object) -> list[Scope]:
    """Where names of the object are looked up: its scope and all above; of a Test, those of its device."""
    scope: Scope | None = item.key.scope
    if isinstance(item.spec, Test):
        scope = Scope("site", item.spec.device.customer, item.spec.device.site)
    found: list[Scope] = []
    while scope is not None:
        found.append(scope)
        scope = scope.parent()
    return found


def place_of(steps: Sequence[str | int]) -> str:
    """A place in a spec for a message: `spec.timeline[2].alert`."""
    return "spec" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def template_of(names: Names, item: Object) -> CommandTemplate | None:
    """The CommandTemplate that a Schedule names."""
    if not isinstance(item.spec, Schedule):
        return None
    for scope in chain_of(item):
        found = names.objects.get(Key("CommandTemplate", scope, item.spec.template))
        if found is not None:
            return found.spec if isinstance(found.spec, CommandTemplate) else None
    return None


def fitting_faults(names: Names, item: Object, entries: Mapping[str, Entry]) -> Iterator[Fault]:
    """What does not suit what it names."""
    if isinstance(item.spec, Schedule):
        template = template_of(names, item)
        if template is not None:
            yield from _alone_faults(item, item.spec, template)
            yield from _parameter_faults(names, item, item.spec, template)
    elif isinstance(item.spec, Binding):
        yield from _scope_faults(names, item, item.spec.place, ("scope",))
    elif isinstance(item.spec, Test):
        device = item.spec.device
        owner = item.key.scope.customer
        if owner and device.customer != owner:
            message = f"spec.device.customer: a test of {owner} cannot be about {shown(device.customer)}"
            yield Fault(item.at(("device", "customer")), message, "put it into org/, or into that customer's folder")
        else:
            yield from _scope_faults(names, item, Scope("site", device.customer, device.site), ("device", "site"))
    elif isinstance(item.spec, Secret):
        yield from _secret_faults(item, item.spec, entries)
    elif isinstance(item.spec, Rollout) and item.spec.channel is not None and not names.unread:
        channels = {one.spec.channel for one in names.objects.values() if isinstance(one.spec, AgentRelease)}
        if item.spec.channel not in channels:
            message = f"spec.channel: no AgentRelease is in the channel {shown(item.spec.channel)}"
            yield Fault(item.at(("channel",)), message, did_you_mean(item.spec.channel, channels), "warning")


def _alone_faults(item: Object, spec: Schedule, template: CommandTemplate) -> Iterator[Fault]:
    """What keeps a template from being run without anybody there."""
    if template.approval is not None:
        message = f"spec.template: runs of {shown(spec.template)} need an approval, and nobody gives one to a Schedule"
        yield Fault(item.at(("template",)), message, "name a template without `approval`, or run it by hand")


def _parameter_faults(
    names: Names, item: Object, spec: Schedule, template: CommandTemplate
) -> Iterator[Fault]:
    for name, value in spec.params.items():
        parameter = template.params.get(name)
        if parameter is None:
            message = f"spec.params.{name}: the template {shown(spec.template)} has no such parameter"
            yield Fault(item.at(("params", name)), message, did_you_mean(name, template.params))
        elif reason := parameter.refuses(value):
            yield Fault(item.at(("params", name)), f"spec.params.{name}: {reason}")
        elif parameter.type == "secret":
            chain = chain_of(item)
            if not any(names.has(Key("Secret", scope, str(value))) for scope in chain):
                where = " or ".join(str(scope) for scope in chain)
                message = f"spec.params.{name}: there is no Secret {shown(value)} in {where}"
                yield Fault(item.at(("params", name)), message, "name a Secret, never the secret itself")
    for name, parameter in template.params.items():
        if parameter.default is None and name not in spec.params:
            message = f"spec.params: {shown(name)} is missing, and the template has no default for it"
            yield Fault(item.at(("params",)), message)


def _scope_faults(names: Names, item: Object, scope: Scope, steps: tuple[str, ...]) -> Iterator[Fault]:
    """The first Customer or Site of the scope that does not exist."""
    wanted = []
    if scope.customer:
        wanted.append(Key("Customer", Scope("customer", scope.customer), scope.customer))
    if scope.site:
        wanted.append(Key("Site", scope, scope.site))
    for key in wanted:
        if not names.has(key):
            known = [other.name for other in names.objects if other.kind == key.kind
                     and other.scope.parent() == key.scope.parent()]
            message = f"{place_of(steps)}: there is no {key.kind} {shown(key.name)}"
            yield Fault(item.at(steps), message, did_you_mean(key.name, known))
            return


def _secret_faults(item: Object, spec: Secret, entries: Mapping[str, Entry]) -> Iterator[Fault]:
    """The encrypted file is there, is a file of this very scope, and is no larger than a secret."""
    place, home = item.at(("file",)), str(item.key.scope)
    entry = entries.get(spec.file)
    if not spec.file.startswith(f"{home}/"):
        yield Fault(place, f"spec.file: {shown(spec.file)} is not in {home}/",
                    "a secret lies in the folder of the scope that it belongs to")
    elif entry is None:
        yield Fault(place, f"spec.file: there is no file {shown(spec.file)} in the repository")
    elif entry.kind != "file" or entry.size > MAX_SECRET:
        yield Fault(place, f"spec.file: {shown(spec.file)} is no file of at most {MAX_SECRET:,} bytes")


def release_faults(names: Names) -> Iterator[Fault]:
    """Two AgentReleases of one version: which bytes would it be?"""
    first: dict[str, Object] = {}
    for item in sorted(names.objects.values(), key=lambda item: item.origin):
        if isinstance(item.spec, AgentRelease) and item.key.scope == ORG:
            other = first.setdefault(item.spec.version, item)
            if other is not item:
                message = f"spec.version: {shown(item.spec.version)} is already {other.key} in {other.origin}"
                yield Fault(item.at(("version",)), message, "a fix is a new version")
