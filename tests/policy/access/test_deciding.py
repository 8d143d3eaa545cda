"""The one decision: deny wins, nothing is allowed that no rule allows, and what an agent says never matters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guru_policy.access.asking import Cap, Circumstances, Decision, RuleRef, Subject, Target, device_target
from guru_policy.access.conditions import within
from guru_policy.access.deciding import Reach, anywhere, decide
from guru_policy.access.grants import Grants, grants_of
from guru_policy.access.rulebook import HeldBinding, HeldRole, HeldRule, HeldWindow, Rulebook
from guru_policy.inventory import Device, Place, Scalar
from guru_policy.objects.scopes import ORG, Scope

ACME, BOLT = Scope("customer", "acme"), Scope("customer", "bolt")
HQ = Scope("site", "acme", "hq")
ADA = Subject(frozenset({"user:ada"}))
NOW = Circumstances(now=1_000_000_000)

NIGHTS = HeldWindow(days=(0, 1, 2, 3, 4), since=22 * 60, until=6 * 60, zone="Europe/Madrid")
verbs = st.sampled_from(["device.read", "device.*", "command.run", "shell.open", "*"])
selectors = st.sampled_from(
    ["", "op/role=server", "op/role!=server", "git/tier", "!op/role", "name=web*", "group=servers"]
)
scopes = st.sampled_from(["org", "customers/acme", "customers/bolt", "customers/acme/sites/hq"])
labels = st.fixed_dictionaries({}, optional={
    "op/role": st.sampled_from(["server", "workstation"]), "git/tier": st.sampled_from(["gold", "iron"]),
})
rules = st.builds(
    HeldRule, id=st.sampled_from("abcdef"), effect=st.sampled_from(["allow", "deny"]), line=st.just(3),
    verbs=st.lists(verbs, min_size=1, max_size=2).map(tuple), selector=selectors,
    classes=st.sampled_from([(), ("standard",)]), max_devices=st.sampled_from([0, 1, 2]), ticket=st.booleans(),
    mfa_within=st.sampled_from([0, 900]), approval=st.booleans(), window=st.sampled_from([None, NIGHTS]),
    ticket_pattern=st.sampled_from(["", "T-[0-9]+", "X-[0-9]+"]),
)
roles = st.lists(rules, min_size=1, max_size=3, unique_by=lambda rule: rule.id).map(
    lambda held: HeldRole(name="", path="org/roles.yaml", rules=tuple(held))
)


@st.composite
def books(draw: st.DrawFn) -> Rulebook:
    made = draw(st.lists(roles, min_size=1, max_size=4))
    named = [role.model_copy(update={"name": f"r{i}"}) for i, role in enumerate(made)]
    bindings = [
        HeldBinding(
            name=f"b{i}", path="org/b.yaml", line=1, subjects=(draw(st.sampled_from(["user:ada", "user:eve"])),),
            role=draw(st.sampled_from(named)).name, scope=draw(scopes),
        )
        for i in range(draw(st.integers(0, 5)))
    ]
    groups = (("servers", "op/role=server"),)
    return Rulebook(revision="f" * 40, roles=tuple(named), bindings=tuple(bindings), groups=groups)


targets = st.one_of(
    st.builds(
        Target, scope=st.sampled_from([HQ, Scope("site", "acme", "lab"), Scope("site", "bolt", "hq")]),
        name=st.sampled_from(["web1", "pc1"]), id=st.just("1" * 32), labels=labels,
    ),
    st.builds(Target, scope=st.sampled_from([ORG, ACME, BOLT, HQ])),
)
subjects = st.builds(
    Subject, names=st.just(frozenset({"user:ada"})), sign_in=st.sampled_from(["token", "key", "person"]),
    mfa_at=st.sampled_from([None, NOW.now - 1000]),
    cap=st.sampled_from([Cap(), Cap(frozenset({"device.read"})), Cap(scope=ACME)]),
)
arounds = st.builds(
    Circumstances, now=st.just(NOW.now), ticket=st.sampled_from(["", "T-1"]), approved=st.booleans(),
    devices=st.integers(1, 3), command_class=st.sampled_from([None, "standard", "danger"]),
)
asked = st.sampled_from(["device.read", "command.run", "shell.open", "device.revoke"])


def about(book: Rulebook, subject: Subject, verb: str, target: Target, around: Circumstances) -> bool:
    return decide(subject, verb, [target], grants_of(book, subject.names), around).allowed


@given(books(), roles, subjects, asked, targets, arounds, scopes)
def test_a_deny_more_never_allows_more(
    book: Rulebook, more: HeldRole, subject: Subject, verb: str, target: Target, around: Circumstances, scope: str
) -> None:
    denying = HeldRole(name="no", path="org/no.yaml", rules=tuple(
        rule.model_copy(update={"effect": "deny"}) for rule in more.rules
    ))
    binding = HeldBinding(name="no", path="org/no.yaml", line=1, subjects=("user:ada",), role="no", scope=scope)
    stricter = book.model_copy(update={"roles": (*book.roles, denying), "bindings": (*book.bindings, binding)})

    assert about(book, subject, verb, target, around) or not about(stricter, subject, verb, target, around)


@given(books(), subjects, asked, targets, arounds)
def test_what_no_rule_allows_is_refused(
    book: Rulebook, subject: Subject, verb: str, target: Target, around: Circumstances
) -> None:
    denied = book.model_copy(update={"roles": tuple(
        role.model_copy(update={"rules": tuple(rule for rule in role.rules if rule.effect == "deny")})
        for role in book.roles
    )})

    assert not about(denied, subject, verb, target, around)
    assert not about(book, subject._replace(names=frozenset({"user:nobody"})), verb, target, around)
    if not anywhere(subject, verb, grants_of(book, subject.names)):
        assert not about(book, subject, verb, target, around)


@given(books(), subjects, asked, st.lists(targets, min_size=1, max_size=4), arounds, st.randoms(use_true_random=False))
def test_the_order_of_what_is_written_says_nothing(
    book: Rulebook, subject: Subject, verb: str, several: list[Target], around: Circumstances, chance: object
) -> None:
    mixed = book.model_copy(update={
        "roles": tuple(reversed([
            role.model_copy(update={"rules": tuple(reversed(role.rules))}) for role in book.roles
        ])),
        "bindings": tuple(reversed(book.bindings)),
    })

    one = decide(subject, verb, several, grants_of(book, subject.names), around)
    other = decide(subject, verb, several, grants_of(mixed, subject.names), around)
    assert one == other
    assert one.allowed == all(about(book, subject, verb, target, around) for target in several)


@given(books(), subjects, asked, arounds, labels, st.dictionaries(
    st.sampled_from(["fact/role", "fact/op/role", "fact/tier", "fact/os"]), st.sampled_from(["server", "gold"])))
def test_what_an_agent_says_of_itself_never_matters(
    book: Rulebook, subject: Subject, verb: str, around: Circumstances,
    told: dict[str, Scalar], facts: dict[str, Scalar],
) -> None:
    device = Device("1" * 32, "web1", Place("acme", "hq"))
    lying = device_target(device, {**told, **facts})

    assert about(book, subject, verb, lying, around) == about(
        book, subject, verb, device_target(device, told), around)


@given(books(), subjects, asked, labels)
def test_a_filter_gives_the_same_answer_as_a_decision(
    book: Rulebook, subject: Subject, verb: str, told: dict[str, Scalar]
) -> None:
    grants = grants_of(book, subject.names)
    reach = Reach(subject, verb, grants, NOW)
    for place in (Place("acme", "hq"), Place("acme", "lab"), Place("bolt", "hq")):
        device = Device("1" * 32, "web1", place)
        answer = decide(subject, verb, [device_target(device, told)], grants, NOW).allowed

        assert reach.sees(device, lambda _: told) == answer
        assert not answer or reach.touches(place.customer)
        assert not reach.whole or answer


@given(books(), books(), subjects, asked, targets, arounds)
def test_a_grant_more_never_takes_away_unless_it_denies(
    book: Rulebook, more: Rulebook, subject: Subject, verb: str, target: Target, around: Circumstances
) -> None:
    allowing = more.model_copy(update={"roles": tuple(
        role.model_copy(update={"rules": tuple(rule for rule in role.rules if rule.effect == "allow")})
        for role in more.roles
    )})
    grants = grants_of(book, subject.names)
    both = grants.plus(grants_of(allowing, subject.names))
    before = decide(subject, verb, [target], grants, around).allowed

    assert not before or decide(subject, verb, [target], both, around).allowed
    denied = [answer.why for answer in decide(subject, verb, [target], grants, around).answers] == ["deny"]
    assert not denied or not decide(subject, verb, [target], both, around).allowed


@given(books(), subjects, asked, targets, arounds)
def test_conditions_only_narrow(
    book: Rulebook, subject: Subject, verb: str, target: Target, around: Circumstances
) -> None:
    none = {"ticket": False, "ticket_pattern": "", "window": None, "approval": False, "max_devices": 0, "mfa_within": 0}
    free = book.model_copy(update={"roles": tuple(
        role.model_copy(update={"rules": tuple(rule.model_copy(update=none) for rule in role.rules)})
        for role in book.roles
    )})

    assert not about(book, subject, verb, target, around) or about(free, subject, verb, target, around)


def test_a_window_past_midnight_belongs_to_the_day_on_which_it_opens() -> None:
    friday_23h, saturday_5h, saturday_23h, monday_5h = (
        1_767_996_000_000 + hours * 3_600_000 for hours in (0, 6, 24, 54))      # 2026-01-09 23:00 in Madrid

    assert [within(NIGHTS, at) for at in (friday_23h, saturday_5h)] == [True, True]
    assert [within(NIGHTS, at) for at in (saturday_23h, monday_5h)] == [False, False]


def test_a_ticket_has_the_form_that_the_rule_asks_for() -> None:
    grants = helpdesk(rule("shell", "shell.open", ticket_pattern="T-[0-9]+"))
    good, bad = (
        asked_of(grants, "shell.open", Target(HQ, labels={}), around=NOW._replace(ticket=text))
        for text in ("T-7", "T-7x"))

    assert good.allowed
    assert bad.answers[0].unmet == ("the ticket is none of the form T-[0-9]+",)


def helpdesk(*held: HeldRule, scope: str = "customers/acme") -> Grants:
    book = Rulebook(
        revision="abc123" + "0" * 34, roles=(HeldRole(name="helpdesk", path="org/roles.yaml", rules=held),),
        bindings=(HeldBinding(
            name="ada", path="org/b.yaml", line=9, subjects=("user:ada",), role="helpdesk", scope=scope,
        ),),
    )
    return grants_of(book, ADA.names)


def rule(name: str, *verbs: str, **fields: object) -> HeldRule:
    return HeldRule.model_validate({"id": name, "effect": "allow", "verbs": verbs, "line": 14, **fields})


def asked_of(grants: Grants, verb: str, *targets: Target, around: Circumstances = NOW) -> Decision:
    return decide(ADA, verb, targets, grants, around)


def test_an_answer_names_rule_role_binding_and_place() -> None:
    found = asked_of(helpdesk(rule("look", "device.read")), "device.read", Target(HQ, labels={}))

    assert found.allowed
    assert found.answers[0].rule == RuleRef("helpdesk", "look", "ada", "org/roles.yaml:14", "abc123" + "0" * 34)
    assert str(found.answers[0].rule) == "rule look of role helpdesk by binding ada (org/roles.yaml:14@abc123000000)"


def test_a_selector_splits_a_set_and_the_refusal_counts_without_names() -> None:
    grants = helpdesk(rule("run", "command.run"), rule("no", "command.run", effect="deny", selector="op/role=server"))
    several = [Target(HQ, "secret-name", labels={"op/role": kind}) for kind in ("server", "pc", "server")]
    found = asked_of(grants, "command.run", *several)

    assert [answer.allowed for answer in found.answers] == [False, True, False]
    assert found.told() == (
        "rule no of role helpdesk by binding ada (org/roles.yaml:14@abc123000000) denies it, for 2 of 3"
    )


def test_unmet_conditions_are_told_one_by_one() -> None:
    grants = helpdesk(rule("shell", "shell.open", ticket=True, mfa_within=900, approval=True, max_devices=1))
    found = asked_of(grants, "shell.open", Target(HQ, labels={}), around=NOW._replace(devices=2))

    assert found.answers[0].unmet == (
        "no second factor was shown within 900 s", "no ticket is named", "nobody else has agreed to it",
        "it allows 1 devices in one go and these are 2",
    )


def test_a_second_factor_from_the_future_is_none() -> None:
    grants = helpdesk(rule("shell", "shell.open", mfa_within=900))
    fresh, ahead = (ADA._replace(mfa_at=NOW.now + step) for step in (-1000, 1000))

    assert decide(fresh, "shell.open", [Target(HQ, labels={})], grants, NOW).allowed
    assert not decide(ahead, "shell.open", [Target(HQ, labels={})], grants, NOW).allowed


def test_a_class_counts_for_commands_only() -> None:
    grants = helpdesk(rule("run", "*", classes=("standard",)))
    on = Target(HQ, labels={})

    assert asked_of(grants, "device.read", on).allowed
    assert asked_of(grants, "command.run", on, around=NOW._replace(command_class="standard")).allowed
    assert not asked_of(grants, "command.run", on, around=NOW._replace(command_class="danger")).allowed
    assert not asked_of(grants, "command.run", on).allowed


def test_a_scope_is_exact_and_a_deny_below_counts_for_all_above() -> None:
    grants = helpdesk(rule("apply", "policy.apply"), scope="org")
    denied = grants_of(Rulebook(
        revision="", roles=(HeldRole(name="all", path="x", rules=(rule("apply", "policy.apply"),)),
                            HeldRole(name="no", path="x", rules=(rule("no", "policy.apply", effect="deny"),))),
        bindings=(HeldBinding(name="a", path="x", line=1, subjects=("user:ada",), role="all", scope="org"),
                  HeldBinding(name="b", path="x", line=1, subjects=("user:ada",), role="no", scope="customers/bolt")),
    ), ADA.names)

    assert asked_of(grants, "policy.apply", Target(ORG)).allowed
    assert asked_of(denied, "policy.apply", Target(ACME)).allowed
    assert not asked_of(denied, "policy.apply", Target(ORG)).allowed
    assert not asked_of(helpdesk(rule("apply", "policy.apply")), "policy.apply", Target(BOLT)).allowed


def test_a_key_opens_no_shell_and_a_token_does_no_more_than_it_is_for() -> None:
    grants = helpdesk(rule("all", "*"))
    key = ADA._replace(sign_in="key")
    capped = ADA._replace(cap=Cap(frozenset({"device.read"}), HQ))

    assert decide(key, "shell.open", [Target(HQ, labels={})], grants, NOW).answers[0].why == "token"
    assert decide(capped, "device.read", [Target(HQ, labels={})], grants, NOW).allowed
    assert not decide(capped, "device.label", [Target(HQ, labels={})], grants, NOW).allowed
    assert not decide(capped, "device.read", [Target(Scope("site", "acme", "lab"), labels={})], grants, NOW).allowed


def test_nothing_to_do_it_to_is_not_allowed() -> None:
    assert not asked_of(helpdesk(rule("all", "*"), scope="org"), "device.read").allowed
