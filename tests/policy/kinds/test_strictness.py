"""What a kind refuses by itself, each with its whole message and place."""

from __future__ import annotations

import pytest

from tests.policy.writing import fleet, written

KEY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
TYPO = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafh"
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

BAD: dict[str, tuple[str, str, list[str]]] = {
    "the agent's own check": (
        "Policy", "checks: {guru-agent-files: {kind: memory}}",
        ["5:12: spec.checks.guru-agent-files: guru-agent-files is the agent's own check "
         "(an AlertRule may name it; a policy may not set it)"],
    ),
    "a step that tells nobody": (
        "EscalationPolicy", "steps: {a: {after: 5m}}",
        ["5:11: spec.steps.a: the step tells nobody (give `notify` or `people`)"],
    ),
    "an issuer that is not at an https address": (
        "ServiceAccount", "trusts: {a: {issuer: http://x.example, audience: a, claims: {repository: a/b}}}",
        ["5:24: spec.trusts.a.issuer: `http://x.example` is not an issuer "
         "(exactly the `iss` of its tokens: https://...)"],
    ),
    "a trust in every job of a forge": (
        "ServiceAccount", "trusts: {a: {issuer: https://x.example, audience: a, claims: {}}}",
        ["5:56: spec.trusts.a.claims: must have at least 1 entry"],
    ),
    "a provider that may vouch for any address": (
        "IdentityProvider", "{issuer: https://x.example, clientId: a}",
        ["4:1: spec: an identity provider that names people by e-mail needs the domains it may vouch for "
         "(domains: [example.com]; or name another claim in `person`)"],
    ),
    "two steps at one time": (
        "EscalationPolicy", "steps: {a: {after: 5m, people: [a@b.c]}, b: {after: 300s, people: [a@b.c]}}",
        ["4:1: spec: steps `a` and `b` come after the same time (put what they tell into one step)"],
    ),
    "a cron expression with a bad field": (
        "MaintenanceWindow", "cron: 0 25 * * *\nduration: 1h",
        ["5:9: spec.cron: `0 25 * * *` is not a cron expression: bad hour "
         "(minute hour day-of-month month day-of-week, such as `30 2 * * sun`)"],
    ),
    "a day that never comes": (
        "MaintenanceWindow", "cron: 0 0 31 2 *\nduration: 1h",
        ["5:9: spec.cron: `0 0 31 2 *` is not a cron expression: bad day-of-month "
         "(minute hour day-of-month month day-of-week, such as `30 2 * * sun`)"],
    ),
    "six fields": (
        "Schedule", "cron: 0 0 0 * * *\ntemplate: t",
        ["5:9: spec.cron: `0 0 0 * * *` is not a cron expression of 5 fields "
         "(minute hour day-of-month month day-of-week, such as `30 2 * * sun`)"],
    ),
    "an unknown zone": (
        "MaintenanceWindow", "start: 2026-01-01T00:00\nduration: 1h\ntimezone: Europe/Madird",
        ["7:13: spec.timezone: `Europe/Madird` is not a time zone (did you mean `Europe/Madrid`?)"],
    ),
    "a window that opens twice": (
        "MaintenanceWindow", "cron: 0 2 * * *\nstart: 2026-01-01T00:00\nduration: 1h",
        ["4:1: spec: give `cron` or `start`, and not both"],
    ),
    "a day that is in no calendar": (
        "MaintenanceWindow", "start: 2026-02-30T00:00\nduration: 1h",
        ["5:10: spec.start: `2026-02-30T00:00` is not a day of the calendar"],
    ),
    "an action that cannot be elevated": (
        "ActionSet", "actions: {a: {type: OpenUrl, label: A, url: 'https://a.example/', elevate: true}}",
        ["5:13: spec.actions.a: this type of entry cannot be elevated (take `elevate` out)"],
    ),
    "an action of no type": (
        "ActionSet", "actions: {a: {type: RunComand, label: A}}",
        ["5:23: spec.actions.a.type: there is no action type `RunComand` (did you mean `RunCommand`?)"],
    ),
    "an action that nothing completes": (
        "ActionSet", "actions: {a: {label: A}}",
        ["5:13: spec.actions.a.type: is missing (one of RunCommand, RestartService, OpenUrl, RunScript, SystemInfo, "
         "CreateTicket, Screenshot, About)"],
    ),
    "a link with a wrong placeholder": (
        "ActionSet", "actions: {a: {type: OpenUrl, label: A, url: 'https://a.example/{devic}'}}",
        ["5:47: spec.actions.a.url: `{devic}` is not a placeholder (did you mean `device`?)"],
    ),
    "text that cannot be read": (
        "Branding", "colors: {background: '#ffffff', text: '#eeeeee'}",
        ["5:3: spec.colors: text on this background has a contrast of 1.2 to 1, and 4.5 can be read "
         "(make one of them darker or lighter)"],
    ),
    "an icon that is no picture": (
        "Branding", "icon: files/logo.exe",
        ["5:9: spec.icon: `files/logo.exe` is not a picture (a file that ends with .png, .svg, .ico, .icns)"],
    ),
    "an icon over plain http": (
        "Branding", "icon: http://a.example/logo.png",
        ["5:9: spec.icon: `http://a.example/logo.png` is not an https address (or name a file such as files/logo.png)"],
    ),
    "two scripts": (
        "CommandTemplate", "shell: sh\nscript: ls\nsource: files/x.sh",
        ["4:1: spec: give `script` (the text) or `source` (a file), and not both"],
    ),
    "no subject": (
        "Binding", "subjects: []\nrole: r\nscope: org",
        ["5:3: spec.subjects: must have at least 1 entry"],
    ),
    "no script": ("CommandTemplate", "shell: sh", [
        "4:1: spec: give `script` (the text) or `source` (a file), and not both"]),
    "a default outside its bounds": (
        "CommandTemplate", "shell: sh\nscript: ls\nparams: {n: {type: integer, min: 1, max: 3, default: 9}}",
        ["7:12: spec.params.n: the default `9` is above 3"],
    ),
    "a secret in plain text": (
        "CommandTemplate", "shell: sh\nscript: ls\nparams: {p: {type: secret, default: hunter2}}",
        ["7:12: spec.params.p: a secret has no default: it would stand here in plain text"],
    ),
    "cmd on Linux": (
        "CommandTemplate", "shell: cmd\nscript: dir\nos: [linux]",
        ["4:1: spec: `cmd` is a shell of Windows only (write os: [windows])"],
    ),
    "a batch that leaves nothing to the next": (
        "Rollout", "batches: {all: {}, rest: {}}",
        ["4:1: spec: batch `all` takes every device, and batches follow it "
         "(give it a selector or a limit, or put it last)"],
    ),
    "an expression that is cut": (
        "Rollout", "batches: {all: {}}\nanalysis: {a: {expression: 'x < (3'}}",
        ["6:30: spec.analysis.a.expression: `(` is never closed"],
    ),
    "no devices": (
        "Rollout", "batches: {all: {limit: 0}}",
        ["5:26: spec.batches.all.limit: `0` is not a number of devices (write 10% or a number above 0)"],
    ),
    "agents without a channel": (
        "Rollout", "applies: [agent]\nbatches: {all: {}}",
        ["4:1: spec: `channel` and applies: [agent] belong together"],
    ),
    "a build over plain http": (
        "AgentRelease",
        f"version: 1.0.0\nplatforms: {{linux-x86_64: {{url: 'http://a.example/x', sha256: {SHA}, size: 5}}}}",
        ["6:35: spec.platforms.linux-x86_64.url: `http://a.example/x` is not well formed "
         r"(it must match ^https://[A-Za-z0-9.\[\]:-]+(/[!-~]*)?$)"],
    ),
    "a verb that does not exist": (
        "Role", "rules: {a: {verbs: [device.raed]}}",
        ["5:23: spec.rules.a.verbs[0]: `device.raed` is not a verb (did you mean `device.read`?)"],
    ),
    "a role by facts": (
        "Role", "rules: {a: {verbs: [device.read], selector: 'os=linux'}}",
        ["5:47: spec.rules.a.selector: a role cannot be decided by a label that the agent reports: it can lie "
         "(write the namespace, git/ or op/, in front of the label)"],
    ),
    "classes of nothing": (
        "Role", "rules: {a: {verbs: [device.read], classes: [danger]}}",
        ["5:3: spec.rules: rule `a` has `classes` and no verb that runs commands "
         "(add command.run, or take `classes` out)"],
    ),
    "a scope by label": (
        "Binding", "subjects: [user:ada]\nrole: r\nscope: customers/*",
        ["7:10: spec.scope: `customers/*` is not a scope "
         "(write org, customers/<customer> or customers/<customer>/sites/<site>)"],
    ),
    "a secret that is not encrypted": (
        "Secret", f"file: org/pin.txt\nrecipients: {{a: {KEY}}}",
        ["5:9: spec.file: `org/pin.txt` does not end with .age (only files that age encrypted stand in Git)"],
    ),
    "a recipient with a typo": (
        "Secret", f"file: org/pin.age\nrecipients: {{a: {TYPO}}}",
        ["6:19: spec.recipients.a: `age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqq...` is not an age "
         "recipient: its checksum is wrong (copy it again, whole)"],
    ),
    "one recipient by two names": (
        "Secret", f"file: org/pin.age\nrecipients: {{a: {KEY}, b: {KEY}}}",
        ["6:3: spec.recipients: recipients `a` and `b` are the same key (take one out)"],
    ),
    "a test that claims nothing": (
        "Test", "device: {customer: acme, site: hq}",
        ["4:1: spec: nothing is claimed: the test could never fail "
         "(give `expect`, `absent`, `refused` or `timeline`)"],
    ),
    "a test that claims both": (
        "Test", "device: {customer: acme, site: hq}\nexpect: {checks.x: 1}\nabsent: [checks.x]",
        ["4:1: spec: `checks.x` is expected and absent (take one out)"],
    ),
    "a series with a wrong state": (
        "Test", "device: {customer: acme, site: hq}\nabsent: [checks.x]\nseries: {x: ok*3 cirtical}",
        ["7:15: spec.series.x: `cirtical` is not a state of a check (did you mean `critical`?)"],
    ),
    "an unknown field": (
        "Schedule", "cron: 0 2 * * *\ntemplate: t\nmised: once",
        ["7:3: spec.mised: there is no such field (did you mean `missed`?)"],
    ),
}


@pytest.mark.parametrize(("kind", "spec", "messages"), BAD.values(), ids=BAD.keys())
def test_a_kind_refuses_what_makes_no_sense(kind: str, spec: str, messages: list[str]) -> None:
    found = fleet({"org/a.yaml": written(kind, "a", spec)})

    assert [str(fault) for fault in found.faults] == [f"org/a.yaml:{message}" for message in messages]
