"""The kinds of objects in a fleet repository: an explicit list. Nothing is found by scanning."""

from guru_policy.kinds.action_set import ActionSet
from guru_policy.kinds.agent_release import AgentRelease
from guru_policy.kinds.alert_rule import AlertRule
from guru_policy.kinds.base import Spec
from guru_policy.kinds.binding import Binding
from guru_policy.kinds.branding import Branding
from guru_policy.kinds.command_template import CommandTemplate
from guru_policy.kinds.customer import Customer
from guru_policy.kinds.device_group import DeviceGroup
from guru_policy.kinds.escalation_policy import EscalationPolicy
from guru_policy.kinds.fleet import FleetSpec
from guru_policy.kinds.identity_provider import IdentityProvider
from guru_policy.kinds.maintenance_window import MaintenanceWindow
from guru_policy.kinds.notification_channel import CHANNELS, NotificationChannel
from guru_policy.kinds.person import Person
from guru_policy.kinds.policy import Policy
from guru_policy.kinds.query import Query
from guru_policy.kinds.role import Role
from guru_policy.kinds.rollout import Rollout
from guru_policy.kinds.schedule import Schedule
from guru_policy.kinds.secret import Secret
from guru_policy.kinds.service_account import ServiceAccount
from guru_policy.kinds.sign_in_policy import SignInPolicy
from guru_policy.kinds.site import Site
from guru_policy.kinds.test import Test
from guru_policy.kinds.webhook import Webhook
from guru_policy.objects.scopes import Level

_ORG: frozenset[Level] = frozenset({"org"})
_TENANT: frozenset[Level] = frozenset({"org", "customer"})
_PLACES: frozenset[Level] = frozenset({"org", "customer", "site", "group"})

KINDS: dict[str, tuple[type[Spec] | None, frozenset[Level]]] = {
    "Fleet": (FleetSpec, frozenset({"root"})),
    "Customer": (Customer, frozenset({"customer"})),
    "Site": (Site, frozenset({"site"})),
    "DeviceGroup": (DeviceGroup, frozenset({"groups", "group"})),
    "Policy": (Policy, frozenset({"org", "customer", "site", "group", "device"})),
    "AlertRule": (AlertRule, _TENANT),
    "NotificationChannel": (None, _TENANT),     # its `type` chooses the model
    "EscalationPolicy": (EscalationPolicy, _TENANT),
    "MaintenanceWindow": (MaintenanceWindow, _PLACES),
    "ActionSet": (ActionSet, _PLACES),
    "Branding": (Branding, _PLACES),
    "CommandTemplate": (CommandTemplate, _TENANT),
    "Schedule": (Schedule, _PLACES),
    "Query": (Query, _PLACES),
    "Rollout": (Rollout, _ORG),
    "AgentRelease": (AgentRelease, _ORG),
    "Role": (Role, _ORG),
    "Binding": (Binding, _ORG),
    "Person": (Person, _ORG),
    "ServiceAccount": (ServiceAccount, _ORG),
    "IdentityProvider": (IdentityProvider, _ORG),
    "SignInPolicy": (SignInPolicy, _ORG),
    "Secret": (Secret, _TENANT),
    "Test": (Test, _TENANT),
    "Webhook": (Webhook, _TENANT),
}
"""Kind to its spec and the levels it may stand at."""

LATER = frozenset({"Report", "Metric", "RatePlan", "Contract", "BillingRule", "Sla", "Portal"})
"""Kinds of the language that this version does not read yet."""


def models_of(kind: str) -> tuple[type[Spec], ...]:
    """The models of a kind's spec: one, or of NotificationChannel one a type."""
    model = KINDS[kind][0]
    return (model,) if model is not None else tuple(CHANNELS.values())


__all__ = [
    "KINDS", "LATER", "ActionSet", "AgentRelease", "AlertRule", "Binding", "Branding", "CommandTemplate", "Customer",
    "DeviceGroup", "EscalationPolicy", "FleetSpec", "IdentityProvider", "MaintenanceWindow", "NotificationChannel",
    "Person", "Policy", "Query", "Role", "Rollout", "Schedule", "Secret", "ServiceAccount", "SignInPolicy", "Site",
    "Spec", "Test", "Webhook", "models_of",
]
