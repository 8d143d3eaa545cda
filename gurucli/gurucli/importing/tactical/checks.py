"""Checks of Tactical RMM to checks by id, and services that it restarts to resources. Pure.

Agents of GuruRMM look at Linux; what only Windows has is left and named, but a service that Tactical restarts is a
`windows_service`. Tactical counts the share of a disk that is free, and a `disk_space` check what is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import JsonValue

from gurucli.importing.drafts import Drafts, given, slug
from gurucli.importing.script_checks import shell_text
from gurucli.importing.tactical.models import Check
from gurucli.importing.tactical.reading import From
from gurucli.importing.tactical.scripts import Body, environment, wrong_text

EVERY = 120                             # seconds: check_interval of Tactical's agent, when a check has no own
LONGEST = 600                           # seconds that a script check may take here
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,253}")
_SERVICE = re.compile(r"[A-Za-z0-9_.$-]{1,200}")


class Mapped(NamedTuple):
    """A check or a resource by its id."""

    section: str                        # checks | resources
    name: str
    spec: Mapping[str, JsonValue]
    check: Check


def map_checks(checks: list[From[Check]], bodies: Mapping[int, Body], drafts: Drafts) -> list[Mapped]:
    """The checks of one policy that have a place here, each under a name of its own."""
    found: list[Mapped] = []
    taken: set[str] = set()
    for source, check in checks:
        made = _one(check, bodies)
        title = check.readable_desc or check.name or check.check_type
        if isinstance(made, str):
            drafts.leave(source, title, made)
            continue
        section, wish, spec = made
        name, number = wish, 1
        while name in taken:
            number += 1
            name = f"{wish[:48]}-{number}"
        taken.add(name)
        found.append(Mapped(section, name, spec, check))
        if (check.timeout or 0) > LONGEST and section == "checks":
            drafts.leave(source, f"timeout of {title}", f"a check may take {LONGEST} s; it has that now")
        if check.pass_if_svc_not_exist and section == "resources":
            drafts.leave(source, f"pass_if_svc_not_exist of {title}", "a service that is not there cannot be looked at")
        if check.text_alert:
            drafts.leave(source, f"text messages of {title}", "there is no channel for text messages")
    return found


def _one(check: Check, bodies: Mapping[int, Body]) -> tuple[str, str, dict[str, JsonValue]] | str:
    """Section, wished name and spec; or why it has no place."""
    match check.check_type:
        case "diskspace":
            return _disk(check)
        case "cpuload" | "memory":
            kind = "cpu" if check.check_type == "cpuload" else "memory"
            spec = {"kind": kind, "every": _every(check), **_shares(check.warning_threshold, check.error_threshold)}
            return "checks", kind, spec
        case "ping":
            return _ping(check)
        case "winsvc":
            return _service(check)
        case "script":
            return _script(check, bodies)
        case "eventlog":
            return "there is no check of event logs"
    return f"no check here is like {check.check_type}"


def _every(check: Check) -> str:
    return f"{max(check.run_interval, 0) or EVERY}s"


def _shares(warning: int | None, critical: int | None) -> dict[str, JsonValue]:
    """Thresholds as shares; 0 is none in Tactical, which has to be said here, as the kinds have some built in."""
    return {"warning": f"{warning}%" if warning else None, "critical": f"{critical}%" if critical else None}


def _disk(check: Check) -> tuple[str, str, dict[str, JsonValue]] | str:
    path = (check.disk or "").strip()
    if not path.startswith("/"):
        return f"there is no check of the Windows drive {path or '?'}"
    used = [100 - one if one else None for one in (check.warning_threshold, check.error_threshold)]
    name = "disk" if path == "/" else f"disk-{slug(path)}"
    return "checks", name, {"kind": "disk_space", "every": _every(check), "path": path, **_shares(*used)}


def _ping(check: Check) -> tuple[str, str, dict[str, JsonValue]] | str:
    address = (check.ip or "").strip()
    if not _ADDRESS.fullmatch(address):
        return "it pings nothing that is an address"
    code = 2 if check.alert_severity == "error" else 1
    text = (
        "command -v ping >/dev/null || { echo 'ping is not installed'; exit 3; }\n"
        f"if ping -n -q -c 3 -w 10 {address} >/dev/null 2>&1; then echo '{address} answers'; exit 0; fi\n"
        f"echo '{address} does not answer'\nexit {code}\n"
    )
    return "checks", f"ping-{slug(check.name or address)}"[:60], {
        "kind": "script", "every": _every(check), "timeout": "15s", "shell": text}


def _service(check: Check) -> tuple[str, str, dict[str, JsonValue]] | str:
    name = (check.svc_name or "").strip()
    if not _SERVICE.fullmatch(name):
        return "the name of the service cannot be one here"
    if not check.restart_if_stopped:
        return "there is no check of Windows services; a `windows_service` resource would also start it"
    return "resources", f"service-{slug(name)}"[:60], {"kind": "windows_service", "name": name, "running": True}


def _script(check: Check, bodies: Mapping[int, Body]) -> tuple[str, str, dict[str, JsonValue]] | str:
    body = bodies.get(check.script if check.script is not None else -1)
    if body is None:
        return "its script is not imported"
    if body.shell not in ("sh", "bash", "python") or body.os == ("windows",):
        return f"a {body.shell} script: checks run on Linux"
    arguments = [one for one in check.script_args or () if one is not None]
    if reason := next((reason for one in arguments if (reason := wrong_text(one))), ""):
        return f"its arguments: {reason}"
    env, reason = environment(check.env_vars or ())
    if reason:
        return reason
    fine = {0, *(check.success_return_codes or ()), *(check.info_return_codes or ())}
    text = shell_text(body.shell, body.text, arguments, fine, check.warning_return_codes or ())
    spec = given({
        "kind": "script", "every": _every(check), "timeout": f"{min(check.timeout or body.timeout, LONGEST)}s",
        "env": dict(env) or None, "shell": text,
    })
    return "checks", body.name[:60], spec
