"""Whom Tactical RMM tells about checks, as NotificationChannels and AlertRules. Pure.

A check with `email_alert` gets a rule of its own, to the recipients of the template of its policy, else to everybody's.
A template with `check_always_email` gets a rule for every check of the devices that it is in force for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from gurucli.importing.drafts import Draft, Drafts, given
from gurucli.importing.tactical.models import AlertTemplate, Check
from gurucli.importing.tactical.places import SERVER, WORKSTATION, Places, Use, selector_of, without
from gurucli.importing.tactical.policies import InForce
from gurucli.importing.tactical.reading import Parts

GRAVE = {"warning": "medium", "critical": "high"}
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&*+/=?^_{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


def map_alerts(parts: Parts, places: Places, policies: Mapping[int, InForce], drafts: Drafts) -> None:
    """Channels and rules into `drafts`."""
    channels: dict[int, str] = {}
    everybody = _everybody(parts, drafts)
    for ident in sorted(parts.alert_templates):
        source, template = parts.alert_templates[ident]
        if not template.is_active:
            drafts.leave(source, template.name, "it is not active")
            continue
        channels[ident] = _channel(
            source, template.name, template.email_recipients or (), drafts,
            resolved=bool(template.check_email_on_resolved), sender=template.email_from,
        ) or everybody
        _left(source, template, drafts)
        if template.check_always_email:
            _always(source, template, channels[ident], places, drafts)
        elif not places.templates.get(ident) and all(one.policy.alert_template != ident for one in policies.values()):
            drafts.leave(source, template.name, "it is assigned to no client, site, policy or default")
    for found in policies.values():
        channel = channels.get(found.policy.alert_template or -1, everybody)
        for item in found.items:
            if item.section == "checks" and item.check.email_alert:
                _rule(found, item.name, item.check, channel, drafts)


def _everybody(parts: Parts, drafts: Drafts) -> str:
    """The channel of the recipients in the settings; empty when there are none."""
    if parts.settings is None:
        return ""
    source, settings = parts.settings
    if settings.sms_alert_recipients:
        drafts.leave(source, f"{len(settings.sms_alert_recipients)} recipients of text messages",
                     "there is no channel for text messages")
    for name in settings.secrets_there:
        drafts.leave(source, name, "secret: it is not read; set what the server needs in its own settings")
    return _channel(source, "alerts", [one for one in settings.email_alert_recipients if one], drafts)


def _channel(
    source: str, title: str, recipients: Sequence[str], drafts: Drafts, *, resolved: bool = True,
    sender: str | None = None,
) -> str:
    """The name of a channel to these addresses; empty without any."""
    good = [one for one in dict.fromkeys(recipients) if _ADDRESS.fullmatch(one) and len(one) <= 254][:50]
    if len(good) < len(recipients):
        drafts.leave(source, f"{len(recipients) - len(good)} recipients of {title}",
                     "no plain addresses, there twice, or more than 50")
    if not good:
        return ""
    name = drafts.name("channels", title, "channel")
    drafts.objects.append(Draft("NotificationChannel", "org/channels", name, given({
        "type": "email", "to": list(good), "from": sender if sender and _ADDRESS.fullmatch(sender) else None,
        "sendResolved": None if resolved else False,
    }), source))
    return name


def _always(source: str, template: AlertTemplate, channel: str, places: Places, drafts: Drafts) -> None:
    """A rule for all checks, wherever the template is in force."""
    uses = places.templates.get(template.id, [])
    if not uses or not channel:
        drafts.leave(source, template.name, "it tells nobody: it has no recipients, or is assigned nowhere")
        return
    grave = template.check_email_alert_severity or ("warning", "error")
    state = "warning" if {"warning", "info"} & set(grave) else "critical"
    roles = frozenset(role for role, out in (
        (SERVER, template.exclude_servers), (WORKSTATION, template.exclude_workstations)) if not out)
    if not roles:
        drafts.leave(source, template.name, "it leaves out servers and workstations, so it is about nothing")
        return
    left = [places.customers[one] for one in template.excluded_clients if one in places.customers]
    others = {use.customer for uses in places.templates.values() for use in uses if use.customer and not use.site}
    for use in uses:
        if use.site:
            drafts.leave(source, f"{template.name} in place of another template at {use.customer}/{use.site}",
                         "that one's rules tell of this site, too: leave it out with `site notin (...)`")
        selector = selector_of(roles, *_terms(use, left, others))
        name = drafts.name("rules", template.name, f"template-{template.id}")
        drafts.objects.append(Draft("AlertRule", "org/alerts", name, given({
            "selector": selector or None, "check": "*", "state": state, "severity": GRAVE[state],
            "notify": [channel],
        }), source))


def _terms(use: Use, left: Sequence[str], others: set[str]) -> list[str]:
    """What limits a rule to where its template is in force; a nearer template takes the place of the default one."""
    if use.site:
        return [f"@{use.customer}/{use.site}"]
    if use.customer:
        return [f"@{use.customer}"]
    return [without(sorted({*left, *others}), "customer")]


def _rule(found: InForce, name: str, check: Check, channel: str, drafts: Drafts) -> None:
    if not channel:
        drafts.leave(found.source, f"e-mail about {name} of {found.policy.name}", "nobody is named to be told")
        return
    state = "critical" if check.alert_severity == "error" and check.check_type in ("ping", "winsvc") else "warning"
    interval = check.run_interval or 120
    lasting = (check.fails_b4_alert - 1) * interval
    spec: dict[str, JsonValue] = given({
        "check": name, "state": state, "for": f"{lasting}s" if lasting > 0 else None,
        "severity": GRAVE[state], "notify": [channel],
    })
    for folder, chosen in found.targets:
        parts = folder.split("/")
        place = f"@{'/'.join(parts[1::2])}" if parts[0] == "customers" else ""
        selector = ",".join(term for term in (place, chosen) if term)
        rule = drafts.name("rules", f"{found.name} {name}", f"check-{check.id}")
        drafts.objects.append(Draft("AlertRule", "org/alerts", rule,
                                    ({"selector": selector} if selector else {}) | spec, found.source))


def _left(source: str, template: AlertTemplate, drafts: Drafts) -> None:
    """What a template does that no rule can."""
    for there, what, reason in (
        (template.text_recipients or template.check_always_text, "text messages", "there is no channel for them"),
        (template.action is not None or template.resolved_action is not None, "scripts",
         "an alert runs nothing here"),
        (template.action_rest is not None or template.resolved_action_rest is not None, "web requests",
         "write a NotificationChannel of type webhook"),
        (template.check_periodic_alert_days, "repeated alerts", "write an EscalationPolicy"),
        (template.agent_always_email, "e-mail about agents", "whether a device was heard from is shown by guru status"),
        (template.task_always_email, "e-mail about tasks", "alerts are about checks, not about runs"),
        (template.excluded_sites or template.excluded_agents, "sites and agents that are left out",
         "label them and add `!label` to the rule's selector"),
    ):
        if there:
            drafts.leave(source, f"{what} of {template.name}", reason)
