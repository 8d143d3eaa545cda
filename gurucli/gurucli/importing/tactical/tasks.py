"""Tasks of Tactical RMM to Schedules, with a CommandTemplate each when the script's own does not do. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from gurucli.importing.drafts import Draft, Drafts, given
from gurucli.importing.tactical.models import Action, Task
from gurucli.importing.tactical.policies import InForce
from gurucli.importing.tactical.reading import Parts
from gurucli.importing.tactical.scripts import (
    SHELLS,
    Body,
    environment,
    systems,
    template_spec,
    with_arguments,
    wrong_text,
)
from gurucli.importing.tactical.times import Unplanned, cron_of, jitter_of


def used_scripts(parts: Parts) -> frozenset[int]:
    """The scripts that a check or a task names."""
    found = {one.thing.script for one in parts.checks.values() if one.thing.script is not None}
    found |= {
        action.script for one in parts.tasks.values() for action in one.thing.actions if action.script is not None
    }
    return frozenset(found)


def map_tasks(parts: Parts, policies: Mapping[int, InForce], bodies: Mapping[int, Body], drafts: Drafts) -> None:
    """Schedules and CommandTemplates into `drafts`."""
    for ident in sorted(parts.tasks):
        source, task = parts.tasks[ident]
        reason = _unfit(task, policies)
        template = reason or _template(source, task, bodies, drafts)
        if isinstance(template, str):
            drafts.leave(source, task.name, template)
            continue
        if task.task_type == "manual":
            continue                    # a template is what people run
        _schedule(source, task, template[0], policies[task.policy or 0], drafts)


def _unfit(task: Task, policies: Mapping[int, InForce]) -> str:
    if task.policy is None:
        return "a task of one agent: write a Schedule with a selector for that device"
    if task.policy not in policies:
        return "its policy is in force nowhere, or not in the export"
    if not task.enabled:
        return "it is switched off"
    if task.task_type == "checkfailure":
        return "it runs when a check fails, and there is no kind for that"
    if task.task_type in ("runonce", "onboarding"):
        return f"it runs once ({task.task_type}): run it by hand when it is due"
    if len(task.actions) != 1:
        return f"it has {len(task.actions)} actions, and a template has one script: write them into one"
    return ""


def _template(source: str, task: Task, bodies: Mapping[int, Body], drafts: Drafts) -> tuple[str] | str:
    """The name of the template that does what the task does, in a tuple; or why there is none."""
    action = task.actions[0]
    arguments = [one for one in action.script_args or () if one is not None]
    env, reason = environment(action.env_vars or ())
    if reason := reason or next((reason for one in arguments if (reason := wrong_text(one))), ""):
        return reason
    body = bodies.get(action.script or -1) if action.type == "script" else _command(task, action)
    if body is None:
        return "its script is not imported"
    if isinstance(body, str):
        return body
    if body.name and not arguments and not env:
        return (body.name,)
    text = with_arguments(body, arguments, env)
    if not text:
        return f"arguments and variables cannot be written into a {body.shell} script by themselves"
    name = drafts.name("org commands", task.name, f"task-{task.id}")
    drafts.objects.append(
        Draft("CommandTemplate", "org/commands", name, template_spec(body, text, task.name, action.timeout), source))
    return (name,)


def _command(task: Task, action: Action) -> Body | str:
    """A command as the body of a template without a name."""
    shell = SHELLS.get(action.shell or "cmd")
    text = action.command or ""
    if action.type != "cmd" or shell is None or not text.strip():
        return f"an action of type {action.type} with the shell {action.shell} has no place"
    if reason := wrong_text(text):
        return reason
    return Body(shell, text, systems(task.task_supported_platforms or (), shell), "", action.timeout or 90, False)


def _schedule(source: str, task: Task, template: str, policy: InForce, drafts: Drafts) -> None:
    try:
        cron = cron_of(task)
    except Unplanned as cause:
        drafts.leave(source, f"times of {task.name}", f"{cause}; the CommandTemplate {template} is there")
        return
    name = drafts.name("schedules", task.name, f"task-{task.id}")
    spec = given({
        "cron": cron, "timezone": "device", "jitter": jitter_of(task),
        "missed": "once" if task.run_asap_after_missed else None, "template": template,
    })
    for folder, selector in policy.targets:
        drafts.objects.append(Draft("Schedule", f"{folder}/schedules", name,
                                    spec | ({"selector": selector} if selector else {}), source))
    if task.expire_date:
        drafts.leave(source, f"the end of {task.name}", "a Schedule has none: take it out when it is over")
    if task.custom_field is not None:
        drafts.leave(source, f"the custom field that {task.name} fills", "there are no custom fields")
    if task.email_alert or task.text_alert or task.dashboard_alert:
        drafts.leave(source, f"alerts of {task.name}", "alerts are about checks, not about runs of a schedule")
