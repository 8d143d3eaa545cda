"""The answers of Tactical RMM's API as far as they have a place here; members it adds are passed over.

Names are those of its models and serializers (amidaware/tacticalrmm: clients, automation, checks, autotasks,
scripts, alerts, core).
"""

from __future__ import annotations

from pydantic import Field

from guru_policy.model import Carried


class Site(Carried):
    """One of a client's `sites`."""

    id: int
    name: str
    server_policy: int | None = None
    workstation_policy: int | None = None
    alert_template: int | None = None
    block_policy_inheritance: bool = False
    custom_fields: tuple[object, ...] = ()


class Client(Carried):
    """GET /clients/."""

    id: int
    name: str
    server_policy: int | None = None
    workstation_policy: int | None = None
    alert_template: int | None = None
    block_policy_inheritance: bool = False
    sites: tuple[Site, ...] = ()
    custom_fields: tuple[object, ...] = ()


class Policy(Carried):
    """GET /automation/policies/."""

    id: int
    name: str
    desc: str | None = None
    active: bool = False
    enforced: bool = False
    alert_template: int | None = None
    excluded_sites: tuple[int, ...] = ()
    excluded_clients: tuple[int, ...] = ()
    excluded_agents: tuple[object, ...] = ()
    default_server_policy: bool = False
    default_workstation_policy: bool = False
    winupdatepolicy: tuple[object, ...] = ()


class Check(Carried):
    """GET /automation/policies/ID/checks/."""

    id: int
    policy: int | None = None
    agent: object | None = None
    name: str | None = None
    readable_desc: str = ""
    check_type: str
    email_alert: bool = False
    text_alert: bool = False
    dashboard_alert: bool = False
    fails_b4_alert: int = 1
    run_interval: int = 0               # seconds; 0: the agent's own
    alert_severity: str | None = "warning"
    error_threshold: int | None = 0     # diskspace: share that is free; cpuload, memory: share in use
    warning_threshold: int | None = 0
    disk: str | None = None
    ip: str | None = None
    script: int | None = None
    script_args: tuple[str | None, ...] | None = ()
    env_vars: tuple[str | None, ...] | None = ()
    info_return_codes: tuple[int, ...] | None = ()
    warning_return_codes: tuple[int, ...] | None = ()
    success_return_codes: tuple[int, ...] | None = ()
    timeout: int | None = None
    svc_name: str | None = None
    svc_display_name: str | None = None
    restart_if_stopped: bool | None = None
    pass_if_svc_not_exist: bool = False


class Action(Carried):
    """One of a task's `actions`: a script by its id, or a command."""

    type: str
    script: int | None = None
    script_args: tuple[str | None, ...] | None = ()
    env_vars: tuple[str | None, ...] | None = ()
    command: str | None = None
    shell: str | None = None
    timeout: int | None = None


class Task(Carried):
    """GET /automation/policies/ID/tasks/."""

    id: int
    policy: int | None = None
    agent: object | None = None
    name: str
    enabled: bool = True
    task_type: str = "manual"
    actions: tuple[Action, ...] = ()
    run_time_date: str | None = None
    expire_date: str | None = None
    daily_interval: int | None = None
    weekly_interval: int | None = None
    run_time_bit_weekdays: int | None = None
    monthly_days_of_month: int | None = None
    monthly_months_of_year: int | None = None
    monthly_weeks_of_month: int | None = None
    task_repetition_interval: str | None = None
    random_task_delay: str | None = None
    run_asap_after_missed: bool = False
    email_alert: bool = False
    text_alert: bool = False
    dashboard_alert: bool = False
    custom_field: int | None = None
    task_supported_platforms: tuple[str, ...] | None = ()


class Script(Carried):
    """GET /scripts/ID/ (with `script_body`), or a row of GET /scripts/ (without)."""

    id: int
    name: str
    description: str | None = ""
    shell: str = "powershell"
    script_type: str = "userdefined"
    args: tuple[str | None, ...] | None = ()
    env_vars: tuple[str | None, ...] | None = ()
    script_body: str | None = None
    default_timeout: int = 90
    supported_platforms: tuple[str, ...] | None = ()
    run_as_user: bool = False


class AlertTemplate(Carried):
    """GET /alerts/templates/."""

    id: int
    name: str
    is_active: bool = True
    action: int | None = None
    resolved_action: int | None = None
    action_rest: int | None = None
    resolved_action_rest: int | None = None
    email_recipients: tuple[str, ...] | None = ()
    text_recipients: tuple[str, ...] | None = ()
    email_from: str | None = None
    check_email_alert_severity: tuple[str, ...] = ()
    check_email_on_resolved: bool | None = False
    check_always_email: bool | None = None
    check_always_text: bool | None = None
    check_periodic_alert_days: int | None = 0
    agent_always_email: bool | None = None
    task_always_email: bool | None = None
    exclude_workstations: bool | None = False
    exclude_servers: bool | None = False
    excluded_sites: tuple[int, ...] = ()
    excluded_clients: tuple[int, ...] = ()
    excluded_agents: tuple[object, ...] = ()


class Settings(Carried):
    """GET /core/settings/: who is told, and what is the default. Its many passwords are never read."""

    email_alert_recipients: tuple[str | None, ...] = ()
    sms_alert_recipients: tuple[str | None, ...] = ()
    default_time_zone: str | None = None
    workstation_policy: int | None = None
    server_policy: int | None = None
    alert_template: int | None = None
    secrets_there: tuple[str, ...] = Field(default=())
