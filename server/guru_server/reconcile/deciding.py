"""Which revisions come into force for whom, and why not. Pure: `guru plan` and a sync decide by this alone.

What is in force for a customer is a pair (organisation's revision, customer's revision). A commit N is
tried as (N, N); when that has faults, as (N, last good); when that has faults too, the customer stays where
it was. A fault in the organisation's files, or a deletion that the guard stops, refuses the whole commit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from guru_policy.compiling import Compiled, Compiler, Effective, compile_customer
from guru_policy.faults import Fault
from guru_policy.fleet import Sources
from guru_policy.inventory import Device
from guru_policy.needing import Opened
from guru_policy.objects.object import Key
from guru_server.gitops.verifying import UNCHECKED, Verdict
from guru_server.reconcile.library import Loaded

Outcome = Literal["published", "partly-held", "refused"]
Get = Callable[[str], Loaded | None]    # None: the repository has that revision no more


class Pair(NamedTuple):
    """The revisions of the organisation's and of the customer's files."""

    org: str
    customer: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One customer: what is in force (None: nothing yet), and what could not come into force and why."""

    pair: Pair | None
    held: str | None = None
    reason: str = ""
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What a commit does. `compiled` is by customer, without those that stay where they are.

    With `guards` the outcome is refused, and `compiled` is what consent would bring about. A signature that
    is refused is among the guards.
    """

    outcome: Outcome
    reason: str = ""
    faults: tuple[Fault, ...] = ()
    guards: tuple[str, ...] = ()
    standings: Mapping[str, Standing] = field(default_factory=dict)
    compiled: Mapping[str, Compiled] = field(default_factory=dict)
    signature: Verdict = UNCHECKED


class Asked(NamedTuple):
    """Everything a decision depends on. `stalled` are devices that fail already, whatever the commit."""

    new: Loaded
    standings: Mapping[str, Standing]
    devices: Sequence[Device]
    stalled: Collection[str] = ()


def decide(asked: Asked, get: Get) -> Decision:
    """What becomes of the commit; `get` gives the fleets of revisions in force. Guards are the caller's."""
    fleet = asked.new.fleet
    own = fleet.faults_of(None)
    if own:
        reason = f"the organisation's files have {count(len(own), 'fault')}: {own[0]}"
        return Decision("refused", reason, fleet.faults, standings=asked.standings)
    by_customer = devices_by_customer(asked.devices)
    standings: dict[str, Standing] = {}
    compiled: dict[str, Compiled] = {}
    for customer in sorted({*fleet.customers(), *by_customer}):     # one without either is gone
        before = asked.standings.get(customer, Standing(None))
        standing, result = _try(customer, asked, before, by_customer.get(customer, ()), get)
        if result is not None:
            compiled[customer] = result
        if standing.pair is not None or standing.held is not None:
            standings[customer] = standing
    held = [name for name, standing in standings.items() if standing.held]
    reason = f"held: {', '.join(held[:20])}" if held else ""
    return Decision(
        "partly-held" if held else "published", reason, fleet.faults, (), standings, compiled
    )


def _try(
    customer: str, asked: Asked, before: Standing, devices: Sequence[Device], get: Get
) -> tuple[Standing, Compiled | None]:
    """The customer's new standing, and what its devices get unless it stays where it was."""
    revision = asked.new.fleet.revision
    faults = asked.new.fleet.faults_of(customer)
    if not faults:
        result, faults = compiled_for(customer, asked.new, asked.new, devices, asked.stalled)
        if not faults:
            return Standing(Pair(revision, revision)), result
    reason = f"{customer} has {count(len(faults), 'fault')}: {faults[0]}"
    if before.pair is not None and before.pair.customer != revision:
        good = get(before.pair.customer)
        if good is None:
            reason = f"{reason}; its last good files ({before.pair.customer[:12]}) left the repository"
            return Standing(before.pair, revision, reason, faults), None
        result, others = compiled_for(customer, asked.new, good, devices, asked.stalled)
        if not others:
            return Standing(Pair(revision, before.pair.customer), revision, reason, faults), result
        reason = f"{reason}; with its last good files: {others[0]}"
    return Standing(before.pair, revision, reason, faults), None


def compiled_for(
    customer: str, org: Loaded, own: Loaded, devices: Sequence[Device], stalled: Collection[str]
) -> tuple[Compiled, tuple[Fault, ...]]:
    """The customer's devices under this pair, and the faults of those that did not fail before."""
    sources, opened = Sources(org.fleet, own.fleet), _opened(customer, org, own)
    result = compile_customer(sources, customer, devices, _digests(customer, org, own), opened)
    faults = {
        fault: None
        for device, assignment in sorted(result.assigned.items())
        if not isinstance(assignment, Effective) and device not in stalled
        for fault in assignment
    }
    return result, tuple(faults)


def compiler_for(customer: str, org: Loaded, own: Loaded) -> Compiler:
    """A compiler of this pair for single devices; it remembers nothing for others."""
    return Compiler(Sources(org.fleet, own.fleet), customer, _digests(customer, org, own))


def _digests(customer: str, org: Loaded, own: Loaded) -> dict[str, str]:
    theirs = {path: digest for path, digest in own.digests.items() if _owns(customer, path)}
    return {**org.digests, **theirs}


def _opened(customer: str, org: Loaded, own: Loaded) -> dict[Key, Opened]:
    """What is known of the secrets that the customer's devices can name."""
    return {**org.secrets.get("", {}), **own.secrets.get(customer, {})}


def devices_by_customer(devices: Sequence[Device]) -> dict[str, list[Device]]:
    """The devices of each customer, in their order."""
    found: defaultdict[str, list[Device]] = defaultdict(list)
    for device in devices:
        found[device.place.customer].append(device)
    return dict(found)


def count(number: int, noun: str) -> str:
    """`1 fault`, `2 faults`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _owns(customer: str, path: str) -> bool:
    return path.startswith((f"customers/{customer}/", f"devices/{customer}/"))
