"""The kinds of objects in a fleet repository: an explicit list. Nothing is found by scanning."""

from guru_policy.kinds.alert_rule import AlertRule
from guru_policy.kinds.base import Spec
from guru_policy.kinds.customer import Customer
from guru_policy.kinds.device_group import DeviceGroup
from guru_policy.kinds.fleet import FleetSpec
from guru_policy.kinds.notification_channel import NotificationChannel
from guru_policy.kinds.policy import Policy
from guru_policy.kinds.site import Site
from guru_policy.objects.scopes import Level

KINDS: dict[str, tuple[type[Spec] | None, frozenset[Level]]] = {
    "Fleet": (FleetSpec, frozenset({"root"})),
    "Customer": (Customer, frozenset({"customer"})),
    "Site": (Site, frozenset({"site"})),
    "DeviceGroup": (DeviceGroup, frozenset({"groups", "group"})),
    "Policy": (Policy, frozenset({"org", "customer", "site", "group", "device"})),
    "AlertRule": (AlertRule, frozenset({"org", "customer"})),
    "NotificationChannel": (None, frozenset({"org", "customer"})),     # its `type` chooses the model
}
"""Kind to its spec and the levels it may stand at."""

LATER = frozenset({
    "EscalationPolicy", "MaintenanceWindow", "ActionSet", "Branding", "CommandTemplate", "Schedule",
    "Rollout", "AgentRelease", "Role", "Binding", "Secret", "Test", "Report", "Metric", "RatePlan",
    "Contract", "BillingRule", "Sla", "Portal",
})
"""Kinds of the language that this version does not read yet."""

__all__ = [
    "KINDS", "LATER", "AlertRule", "Customer", "DeviceGroup", "FleetSpec", "NotificationChannel", "Policy",
    "Site", "Spec",
]
