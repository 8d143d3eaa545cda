"""The roles and bindings of one revision, small enough to store beside it. It decides nothing.

A rulebook is what a server keeps in its database: a decision needs neither Git nor the rest of the fleet.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from guru_policy.conditions import OWN_KEYS
from guru_policy.fleet import Fleet
from guru_policy.kinds.binding import Binding
from guru_policy.kinds.identity_provider import IdentityProvider, Saml
from guru_policy.kinds.person import Person
from guru_policy.kinds.role import DAYS, Role, RuleWindow
from guru_policy.kinds.service_account import ServiceAccount
from guru_policy.kinds.sign_in_policy import METHODS, Method, SignInPolicy
from guru_policy.model import Carried
from guru_policy.objects.object import Object
from guru_policy.objects.scopes import ORG
from guru_policy.selector import parse


class HeldWindow(Carried):
    """A RuleWindow; `days` as numbers from Monday, 0, on, times in minutes of the day."""

    days: tuple[int, ...]
    since: int
    until: int
    zone: str


class HeldRule(Carried):
    """One rule of a role. `mfa_within` is in seconds, 0: not asked for; `max_devices` 0: any number."""

    id: str
    effect: Literal["allow", "deny"]
    verbs: tuple[str, ...]
    line: int
    classes: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    selector: str = ""
    mfa_within: int = 0
    ticket: bool = False
    ticket_pattern: str = ""
    window: HeldWindow | None = None
    approval: bool = False
    max_devices: int = 0


class HeldRole(Carried):
    """A Role and the file that it stands in."""

    name: str
    path: str
    rules: tuple[HeldRule, ...]
    break_glass: bool = False


class HeldBinding(Carried):
    """A Binding and where it stands."""

    name: str
    path: str
    line: int
    subjects: tuple[str, ...]
    role: str
    scope: str


class HeldUser(Carried):
    """A Person of the repository."""

    name: str
    groups: tuple[str, ...] = ()
    disabled: bool = False
    email: str = ""                     # in lower case


class HeldTrust(Carried):
    """Tokens of one issuer that a service account signs in by; claims with the values that one may have."""

    issuer: str
    audience: str
    claims: tuple[tuple[str, tuple[str, ...]], ...]


class HeldService(Carried):
    """A ServiceAccount that is not disabled."""

    name: str
    trusts: tuple[HeldTrust, ...]


class HeldSaml(Carried):
    """What a provider of SAML is known by; `certificates` in PEM, `email` the attribute that is the address."""

    entity_id: str
    sign_on: str
    certificates: tuple[str, ...]
    email: str


class HeldProvider(Carried):
    """An IdentityProvider; `groups` are its names with ours. One with `saml` has no issuer and no client."""

    name: str
    title: str
    issuer: str
    client_id: str
    scopes: tuple[str, ...]
    person: str
    domains: tuple[str, ...]
    claims: tuple[tuple[str, tuple[str, ...]], ...]
    groups_claim: str
    groups: tuple[tuple[str, str], ...]
    second_factor: tuple[str, ...]
    key: str = ""                       # the API key that keeps its people here; empty: it keeps none
    claim: str = ""                     # of its tokens: the external id of whom it keeps here
    saml: HeldSaml | None = None


class HeldSignIn(Carried):
    """The SignInPolicy; times in seconds."""

    second_factor: Literal["required", "optional"] = "optional"
    methods: tuple[Method, ...] = METHODS
    device_flow: bool = False
    session: int = 43_200
    idle: int = 28_800


class Rulebook(Carried):
    """All of a revision. `groups` are the selectors of DeviceGroups, for rules that select by group."""

    revision: str
    roles: tuple[HeldRole, ...] = ()
    bindings: tuple[HeldBinding, ...] = ()
    groups: tuple[tuple[str, str], ...] = ()
    users: tuple[HeldUser, ...] = ()
    sign_in: HeldSignIn = HeldSignIn()
    services: tuple[HeldService, ...] = ()
    providers: tuple[HeldProvider, ...] = ()

    @cached_property
    def _by_name(self) -> dict[str, HeldUser]:
        """Asked with every request."""
        return {one.name: one for one in self.users}

    def user(self, name: str) -> HeldUser | None:
        """The Person of that name."""
        return self._by_name.get(name)

    def service(self, name: str) -> HeldService | None:
        """The ServiceAccount of that name, unless it is disabled."""
        return next((one for one in self.services if one.name == name), None)

    def provider(self, name: str) -> HeldProvider | None:
        """The IdentityProvider of that name."""
        return next((one for one in self.providers if one.name == name), None)

    def provisioner(self, key: str) -> HeldProvider | None:
        """The one IdentityProvider that keeps people here with this API key; None when there is not exactly one."""
        found = [one for one in self.providers if key and one.key == key]
        return found[0] if len(found) == 1 else None

    def names_of(self, user: str) -> frozenset[str]:
        """Who that is in Bindings: the user, and every group that the repository puts them in."""
        found = self.user(user)
        return frozenset({f"user:{user}", *(f"group:{group}" for group in (found.groups if found else ()))})

    def deciding_labels(self) -> frozenset[str]:
        """The op/ labels, without prefix, by which a rule chooses devices, by itself or through a group."""
        chosen = [parse(rule.selector) for role in self.roles for rule in role.rules]
        keys = {key for selector in chosen for key in selector.keys}
        if "group" in keys:
            keys |= {key for _, text in self.groups for key in parse(text).keys}
        bare = {key for key in keys if "/" not in key} - OWN_KEYS
        return frozenset({key.removeprefix("op/") for key in keys if key.startswith("op/")} | bare)


def rulebook_of(fleet: Fleet) -> Rulebook:
    """What the organisation's folder says; Roles and Bindings that stand anywhere else count for nothing."""
    roles = [_role(item, item.spec) for item in fleet.in_scope("Role", ORG) if isinstance(item.spec, Role)]
    bindings = [
        _binding(item, item.spec) for item in fleet.in_scope("Binding", ORG) if isinstance(item.spec, Binding)
    ]
    return Rulebook(
        revision=fleet.revision,
        roles=tuple(sorted(roles, key=lambda one: one.name)),
        bindings=tuple(sorted(bindings, key=lambda one: one.name)),
        groups=tuple((group.name, str(group.selector.text)) for group in fleet.groups()),
        users=tuple(sorted(_users(fleet), key=lambda one: one.name)),
        sign_in=_sign_in(fleet),
        services=tuple(sorted(_services(fleet), key=lambda one: one.name)),
        providers=tuple(sorted(_providers(fleet), key=lambda one: one.name)),
    )


def _users(fleet: Fleet) -> Iterator[HeldUser]:
    for item in fleet.in_scope("Person", ORG):
        if isinstance(item.spec, Person):
            yield HeldUser(name=item.name, groups=tuple(sorted(set(item.spec.groups))), disabled=item.spec.disabled,
                           email=item.spec.email.casefold())


def _services(fleet: Fleet) -> Iterator[HeldService]:
    for item in fleet.in_scope("ServiceAccount", ORG):
        if isinstance(item.spec, ServiceAccount) and not item.spec.disabled:
            yield HeldService(name=item.name, trusts=tuple(
                HeldTrust(issuer=one.issuer, audience=one.audience, claims=tuple(sorted(one.claims.items())))
                for _, one in sorted(item.spec.trusts.items())
            ))


def _providers(fleet: Fleet) -> Iterator[HeldProvider]:
    for item in fleet.in_scope("IdentityProvider", ORG):
        if isinstance(spec := item.spec, IdentityProvider):
            yield HeldProvider(
                name=item.name, title=spec.display_name or item.name, issuer=spec.issuer or "",
                client_id=spec.client_id or "", saml=_saml(spec.saml),
                scopes=spec.scopes, person=spec.person, domains=spec.domains,
                claims=tuple(sorted(spec.claims.items())), groups_claim=spec.groups_claim,
                groups=tuple(sorted(spec.groups.items())), second_factor=spec.second_factor,
                key=spec.provisioning.key if spec.provisioning else "",
                claim=spec.provisioning.claim if spec.provisioning else "",
            )


def _saml(spec: Saml | None) -> HeldSaml | None:
    if spec is None:
        return None
    return HeldSaml(entity_id=spec.entity_id, sign_on=spec.sign_on, certificates=spec.certificates, email=spec.email)


def _sign_in(fleet: Fleet) -> HeldSignIn:
    """The strictest of all, should there be several: a second file must not open what the first one closes."""
    found = [item.spec for item in fleet.in_scope("SignInPolicy", ORG) if isinstance(item.spec, SignInPolicy)]
    if not found:
        return HeldSignIn()
    required = any(one.second_factor == "required" for one in found)
    return HeldSignIn(
        second_factor="required" if required else "optional",
        device_flow=all(one.device_flow for one in found),
        methods=tuple(one for one in METHODS if all(one in policy.methods for policy in found)),
        session=int(min(one.session for one in found)), idle=int(min(one.idle for one in found)),
    )


def _role(item: Object, spec: Role) -> HeldRole:
    return HeldRole(name=item.name, path=item.path, break_glass=spec.break_glass, rules=tuple(
        HeldRule(
            id=name, effect=rule.effect, verbs=rule.verbs, line=item.place("rules", name).line,
            classes=rule.classes, paths=rule.paths, selector=rule.selector, mfa_within=rule.conditions.mfa_within or 0,
            ticket=rule.conditions.ticket, approval=rule.conditions.approval,
            ticket_pattern=rule.conditions.ticket_pattern or "", window=_window(rule.conditions.window),
            max_devices=rule.conditions.max_devices or 0,
        )
        for name, rule in sorted(spec.rules.items())
    ))


def _window(written: RuleWindow | None) -> HeldWindow | None:
    if written is None:
        return None
    since, until = (60 * int(text[:2]) + int(text[3:]) for text in (written.since, written.until))
    days = tuple(sorted({DAYS.index(day) for day in written.days}))
    return HeldWindow(days=days, since=since, until=until, zone=written.timezone)


def _binding(item: Object, spec: Binding) -> HeldBinding:
    return HeldBinding(
        name=item.name, path=item.path, line=item.origin.line, subjects=spec.subjects, role=spec.role,
        scope=spec.scope,
    )
