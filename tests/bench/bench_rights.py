"""What a decision costs: decisions a second, and what a filter adds to a list of every device."""

from __future__ import annotations

from guru_policy.access.asking import Circumstances, Subject, device_target
from guru_policy.access.deciding import Reach, decide
from guru_policy.access.grants import grants_of
from guru_policy.access.rulebook import HeldBinding, HeldRole, HeldRule, Rulebook
from tests.bench.figures import Figure
from tests.bench.measuring import Span
from tests.bench.sizes import Size
from tests.bench.synthetic import devices

ROLES, RULES = 50, 8
ADA = Subject(frozenset({"user:ada"}))
NOW = Circumstances(now=1_000_000)


def run(size: Size) -> list[Figure]:
    """Four figures, in this process: 50 roles of 8 rules in force, and a subject who has two of them."""
    fleet = devices(size)
    book = rulebook([f"customers/{name}" for name in sorted({one.place.customer for one in fleet})])
    labels = {"op/role": "server", "git/ring": "early"}
    with Span() as reading:
        grants = grants_of(Rulebook.model_validate_json(book.model_dump_json()), ADA.names)
    targets = [device_target(one, labels) for one in fleet]
    with Span() as deciding:
        decision = decide(ADA, "device.read", targets, grants, NOW)
    by_place, by_label = Reach(ADA, "alert.read", grants, NOW), Reach(ADA, "device.read", grants, NOW)
    with Span() as placing:
        seen = sum(by_place.sees(one, lambda _: labels) for one in fleet)
    with Span() as selecting:
        chosen = sum(by_label.sees(one, lambda _: labels) for one in fleet)
    allowed = sum(answer.allowed for answer in decision.answers)
    if not 0 < chosen == allowed <= seen:
        raise RuntimeError(f"a decision allows {allowed} devices and a filter shows {chosen} of {seen}")
    return [
        Figure("decide() per second", len(fleet) / deciding.wall, "1/s", at_least=True, others=deciding.others),
        Figure("read a rulebook and compile one subject", 1000 * reading.wall, "ms", others=reading.others),
        Figure(f"filter {len(fleet):,} devices by place", 1000 * placing.wall, "ms", others=placing.others),
        Figure(f"filter {len(fleet):,} devices by labels", 1000 * selecting.wall, "ms", others=selecting.others),
    ]


def rulebook(scopes: list[str]) -> Rulebook:
    """Roles whose first rules look and whose last deny, each bound somewhere to somebody."""
    roles = tuple(HeldRole(name=f"r{number}", path="org/roles.yaml", rules=tuple(
        HeldRule(id=f"x{rule}", effect="deny" if rule == RULES - 1 else "allow", line=rule, verbs=verbs(rule),
                 selector="op/role=printer" if rule == RULES - 1 else "" if rule else "op/role in (server,desk)")
        for rule in range(RULES)
    )) for number in range(ROLES))
    bindings = tuple(
        HeldBinding(name=f"b{number}", path="org/b.yaml", line=number, role=f"r{number % ROLES}",
                    subjects=("user:ada" if number < 2 else f"user:u{number}",),
                    scope=scopes[0] if number else "org")
        for number in range(4 * ROLES)
    )
    return Rulebook(revision="a" * 40, roles=roles, bindings=bindings)


def verbs(rule: int) -> tuple[str, ...]:
    """Looking at devices by labels, at alerts by place, and everything else."""
    return {0: ("device.read",), 1: ("alert.read",), RULES - 1: ("device.*",)}.get(rule, ("ticket.*", "command.run"))
