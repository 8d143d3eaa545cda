"""What completion knows of the commands. Made by `python -m gurucli.reference`; never edited."""

from __future__ import annotations

TABLES: tuple[str, ...] = (
    "agent", "antivirus", "certificates", "connections", "containers", "cron", "disks", "env", "events", "files",
    "firewall", "hardware", "interfaces", "kernel", "listening_ports", "logged_in", "mounts", "os", "packages",
    "processes", "routes", "scheduled_tasks", "services", "smart", "updates", "usb", "users",
)

KEPT: tuple[str, ...] = (
    "packages", "updates", "users", "logged_in", "interfaces", "disks", "hardware", "os", "kernel", "usb",
    "certificates", "cron", "antivirus", "firewall",
)

KINDS: tuple[str, ...] = (
    "Fleet", "Customer", "Site", "DeviceGroup", "Policy", "AlertRule", "NotificationChannel", "EscalationPolicy",
    "MaintenanceWindow", "ActionSet", "Branding", "CommandTemplate", "Schedule", "Query", "Rollout",
    "AgentRelease", "Role", "Binding", "Person", "ServiceAccount", "IdentityProvider", "SignInPolicy", "Secret",
    "Test", "Webhook", "cpu", "disk_space", "http", "memory", "port", "process", "script", "service",
    "apt_package", "archive", "authorized_key", "certificate", "command", "cron_job", "directory", "file",
    "firewall_rule", "git_checkout", "group", "hosts_entry", "launchd_job", "package", "registry_value",
    "scheduled_task", "sysctl", "systemd_unit", "user", "vpn_profile", "windows_service",
)

TOLD: tuple[str, ...] = (
    "exit-codes", "G0001", "G0002", "G0206", "G0400", "G0401", "G0402", "G0403", "G0404", "G0408", "G0409",
    "G0422", "G0426", "G0495", "G0503", "G0510", "G0520",
)
