"""Fleet's default.yml and teams to objects of a fleet repository. It writes nothing.

What is for all hosts goes to org/. A team becomes a DeviceGroup of the devices that a technician labelled `team=NAME`,
with its policies in the group's folder; a manual label becomes one of devices labelled `NAME=yes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import JsonValue

from guru_policy.errors import InputInvalid
from gurucli.importing.drafts import Draft, Drafts, given, slug
from gurucli.importing.fleetdm.policies import check_of, query_of, script_of
from gurucli.importing.fleetdm.reading import FleetFiles, Item
from gurucli.importing.suspecting import secret_in, secret_name

NO_TEAM = ("no-team", "no team", "unassigned")
READ = {"name", "policies", "queries", "reports", "labels", "controls", "webhook_settings"}
REASONS = {
    "agent_options": "osquery's options: the agent's are in Policy.agent",
    "software": "installers and stores have no kind; write a `package` resource into a Policy",
    "secrets": "secret: devices join with `guru enroll token create`",
    "integrations": "secret: tickets and calendars are not part of a fleet repository",
    "sso_settings": "sign-in is the server's own setting",
    "mdm": "device management of Apple and Windows has no kind",
}
MDM = "configuration profiles and updates by MDM have no kind"


def from_fleet(place: Path) -> Drafts:
    """What the export makes. InputInvalid when it is none."""
    drafts = Drafts()
    files = FleetFiles(place, drafts)
    number = -1
    for number, (name, document) in enumerate(files.documents()):
        team = "" if name.rpartition("/")[2].startswith("default.") else _team(name, document, number, drafts)
        _document(document, team, files, drafts)
    if number < 0:
        said = f": {drafts.unmapped[0].source}: {drafts.unmapped[0].reason}" if drafts.unmapped else ""
        raise InputInvalid(f"nothing of {place} could be read{said}")
    return drafts


def _team(name: str, document: Item, number: int, drafts: Drafts) -> str:
    """The name of the team's group; empty for hosts without a team, whose settings are for all."""
    title = document.text("name")
    if not title or "$" in title:
        title = name.rpartition("/")[2].rpartition(".")[0]
    if title.lower() in NO_TEAM:
        drafts.leave(document.source, title, "devices that are in no group have what org/ says")
        return ""
    made = drafts.name("groups", title, f"team-{number}")
    drafts.objects.append(Draft("DeviceGroup", "groups", made, {
        "displayName": title[:200], "priority": 100 + number, "selector": f"op/team={made}",
    }, document.source, f"The team {title}: guru device label NAME team={made} puts a device in."))
    return made


def _document(document: Item, team: str, files: FleetFiles, drafts: Drafts) -> None:
    for item in files.items(document.part("labels")):
        _label(item, drafts)
    _policies(document, team, files, drafts)
    for section in ("queries", "reports"):
        for item in files.items(document.part(section)):
            query_of(item, drafts)
    _controls(document, files, drafts)
    for key in document.members():
        part = document.part(key)
        if part is None or key in READ:
            continue
        if key in ("org_settings", "team_settings", "settings"):
            _settings(part, team, files, drafts)
        elif key == "software":
            _software(part, drafts)
        else:
            drafts.leave(part.source, key, REASONS.get(key, "no part of Fleet's files that is known here"))


def _policies(document: Item, team: str, files: FleetFiles, drafts: Drafts) -> None:
    checks: dict[str, JsonValue] = {}
    source = ""
    for item in files.items(document.part("policies")):
        found = check_of(item, drafts)
        if found is None:
            continue
        wish, number = f"fleet-{found[0]}"[:55].strip("-"), 1
        name = wish
        while name in checks:
            number += 1
            name = f"{wish}-{number}"
        checks[name] = found[1]
        source = source or item.source
        if item.on("critical"):
            rule = drafts.name("rules", name, "critical")
            drafts.objects.append(Draft("AlertRule", "org/alerts", rule, given({
                "selector": f"group={team}" if team else None, "check": name, "severity": "critical",
            }), item.source))
    if checks:
        folder = f"groups/{team}" if team else "org/policies"
        made = drafts.name(f"policies of {folder}", f"fleet-{team}" if team else "fleet", "fleet-policies")
        drafts.objects.append(Draft("Policy", folder, made, {"selector": "fact/os=linux", "checks": checks}, source))


def _label(item: Item, drafts: Drafts) -> None:
    title = item.text("name")
    kind = item.text("label_membership_type") or "dynamic"
    if not slug(title):
        drafts.leave(item.source, title or "a label", "it has no name that a group could have")
        return
    if kind != "manual":
        drafts.leave(item.source, title, f"a {kind} label: write a DeviceGroup whose selector asks for facts")
        return
    name = drafts.name("groups", title, "label")
    drafts.objects.append(Draft("DeviceGroup", "groups", name, {
        "displayName": title[:200], "priority": 50 + len(drafts.objects), "selector": f"op/{name}=yes",
    }, item.source, f"The label {title}: guru device label NAME {name}=yes puts a device in."))
    hosts = item.part("hosts")
    if hosts is not None:
        drafts.leave(hosts.source, f"{len(hosts.rows())} hosts of {title}",
                     f"label the devices when they have joined: guru device label NAME {name}=yes")


def _controls(document: Item, files: FleetFiles, drafts: Drafts) -> None:
    for item in files.items(document.part("controls")):
        for key in item.members():
            part = item.part(key)
            if key == "scripts" and part is not None:
                for row in part.rows():
                    path = row.text("path")
                    if path:
                        script_of(row, path, files, drafts)
                    else:
                        drafts.leave(row.source, "a script", "it names no path")
            elif part is not None and part.node.value is not False:
                drafts.leave(part.source, f"controls.{key}", MDM)


def _software(part: Item, drafts: Drafts) -> None:
    """Each package by its name or place."""
    for key in part.members():
        section = part.part(key)
        for row in section.rows() if section is not None else ():
            called = next((row.text(one) for one in ("path", "slug", "app_store_id", "url") if row.text(one)), "one")
            drafts.leave(row.source, f"software.{key}: {called}", REASONS["software"])


def _settings(part: Item, team: str, files: FleetFiles, drafts: Drafts) -> None:
    for section in files.items(part):
        for key in section.members():
            found = section.part(key)
            if found is None:
                continue
            if key == "webhook_settings":
                _webhooks(found, team, drafts)
            else:
                reason = "secret: it is not read" if secret_name(key) else "a setting of Fleet's server"
                drafts.leave(found.source, key, REASONS.get(key, reason))


def _webhooks(part: Item, team: str, drafts: Drafts) -> None:
    for key in part.members():
        found = part.part(key)
        if found is None or key == "interval":
            continue
        url = found.text("destination_url")
        if key == "failing_policies_webhook" and found.on("enable_failing_policies_webhook"):
            reason = next(_wrong_url(url), "")
            if not reason:
                _channel(found, url, team, drafts)
                continue
        else:
            reason = "it tells of what has no kind here, or is switched off"
        drafts.leave(found.source, key, reason)


def _wrong_url(url: str) -> Iterator[str]:
    if "$" in url or not url.startswith(("https://", "http://")):
        yield "its address is a variable, or none"
    elif secret_in(f"destination: {url}"):
        yield "secret: its address holds what looks like one"


def _channel(found: Item, url: str, team: str, drafts: Drafts) -> None:
    """A channel, and a rule for the checks that came from policies."""
    name = drafts.name("channels", f"fleet {team}", "fleet")
    drafts.objects.append(Draft("NotificationChannel", "org/channels", name, {"type": "webhook", "url": url},
                                found.source))
    rule = drafts.name("rules", f"fleet policies {team}", "fleet")
    drafts.objects.append(Draft("AlertRule", "org/alerts", rule, given({
        "selector": f"group={team}" if team else None, "check": "fleet-*", "severity": "medium", "notify": [name],
    }), found.source))
