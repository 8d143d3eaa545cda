"""A command line for every verb: one that works at the double, and one that fails with the code beside it."""

from __future__ import annotations

from tests.cli.canned import JOB

WORKS: dict[str, tuple[str, ...]] = {
    "status": ("status",), "device list": ("device", "list"), "device show": ("device", "show", "web01"),
    "device facts": ("device", "facts", "web01"), "device label": ("device", "label", "web01", "role=web", "env-"),
    "device revoke": ("device", "revoke", "web01", "--yes"), "alert list": ("alert", "list"),
    "explain": ("explain", "web01", "checks.disk"), "validate": ("validate", "FLEET"), "plan": ("plan", "FLEET"),
    "schema": ("schema",), "test": ("test", "OFFICE"),
    "sync": ("sync", "--wait"), "revision list": ("revision", "list"),
    "enroll token create": ("enroll", "token", "create", "--customer", "acme", "--site", "hq"),
    "enroll token list": ("enroll", "token", "list"), "enroll token revoke": ("enroll", "token", "revoke", "tok1"),
    "login": ("login", "URL", "--pin", "PIN", "--token-file", "TOKEN"), "logout": ("logout",), "whoami": ("whoami",),
    "context list": ("context", "list"), "context use": ("context", "use", "test"), "doctor": ("doctor",),
    "diff": ("diff", "FLEET", "OFFICE"), "render": ("render", "web01", "--revision", "OFFICE"),
    "apply": ("apply", "PLAN"), "rollback": ("rollback", "--reason", "it broke"),
    "ci": ("ci", "FLEET"), "wait": ("wait", "--for", "UpToDate=25%"),
    "drift": ("drift", "--since", "7d"),
    "init": ("init", "NEW"), "fmt": ("fmt", "FLEET"),
    "run": ("run", "web01", "uptime"), "job list": ("job", "list"), "job show": ("job", "show", JOB),
    "job watch": ("job", "watch", JOB), "job output": ("job", "output", JOB, "web01"),
    "job cancel": ("job", "cancel", JOB), "job rerun": ("job", "rerun", JOB, "--yes", "--max-devices", "2"),
    "script list": ("script", "list"), "script show": ("script", "show", "clear-temp"),
    "script run": ("script", "run", "clear-temp", "web01", "-p", "days=7"),
    "vpn diagnose": ("vpn", "diagnose", "vpn01"),
    "completion": ("completion", "bash"), "api": ("api", "GET", "/devices"), "version": ("version",),
}

SILENT = {"validate", "fmt"}           # what prints no row when there is nothing to complain of

FAILS: dict[str, tuple[tuple[str, ...], int]] = {
    "status": (("status", "--context", "nowhere"), 5), "device list": (("device", "list", "--timeout", "soon"), 2),
    "device show": (("device", "show", "nobody"), 5), "device facts": (("device", "facts", "nobody"), 5),
    "device label": (("device", "label", "web01", "role"), 2), "device revoke": (("device", "revoke", "web01"), 2),
    "alert list": (("alert", "list", "--context", "nowhere"), 5), "explain": (("explain", "G9999"), 5),
    "validate": (("validate", "no-such-folder"), 2), "plan": (("plan", "no-such-folder"), 2),
    "schema": (("schema", "--out", "/dev/null/x"), 1), "test": (("test", "no-such-folder"), 2),
    "sync": (("sync", "--for", "101%"), 2), "revision list": (("revision", "list", "--limit", "x"), 2),
    "enroll token create": (("enroll", "token", "create", "--customer", "acme"), 2),
    "enroll token list": (("enroll", "token", "list", "--context", "nowhere"), 5),
    "enroll token revoke": (("enroll", "token", "revoke", "tok9"), 5),
    "login": (("login", "http://localhost"), 2), "logout": (("logout", "--context", "nowhere"), 5),
    "whoami": (("whoami", "--context", "nowhere"), 5), "context list": (("context", "list", "more"), 2),
    "context use": (("context", "use", "nowhere"), 5), "doctor": (("doctor", "--context", "nowhere"), 1),
    "diff": (("diff", "no-such/folder", "HEAD"), 5), "render": (("render", "web01", "--all"), 2),
    "apply": (("apply", "/dev/null"), 10), "rollback": (("rollback",), 2),
    "ci": (("ci", "no-such-folder"), 2), "wait": (("wait", "--for", "Soon=3%"), 2),
    "drift": (("drift", "--since", "soon"), 2),
    "init": (("init", "NEW", "--ci", "sourceforge"), 2), "fmt": (("fmt", "no-such-folder"), 2),
    "run": (("run", "web01"), 2), "job list": (("job", "list", "--context", "nowhere"), 5),
    "job show": (("job", "show", "0000"), 5), "job watch": (("job", "watch", "0000"), 5),
    "job output": (("job", "output", "0000", "web01"), 5), "job cancel": (("job", "cancel", "0000"), 5),
    "job rerun": (("job", "rerun", JOB), 2), "script list": (("script", "list", "--context", "nowhere"), 5),
    "script show": (("script", "show", "nothing"), 5), "script run": (("script", "run", "clear-temp"), 2),
    "vpn diagnose": (("vpn", "diagnose", "web01"), 1),
    "completion": (("completion", "tcsh"), 2), "api": (("api", "BREW", "/devices"), 2),
    "version": (("version", "more"), 2),
}
