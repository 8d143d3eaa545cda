"""An alert that escalates within seconds, for the small office: its channels are inboxes on loopback. Only text."""

from __future__ import annotations

CHECK = "intake-form"


def escalating(
    desk: str, shift: str, *, after: int, window: str = "", every: int = 3600
) -> dict[str, str]:
    """Files by path: a rule that tells `desk`, and a step that tells `shift` after `after` seconds.

    With `window`, a start and a duration such as `start: 2026-03-01T22:00, duration: 2m`, alerts are muted meanwhile.
    """
    muted = f"""---
apiVersion: guru/v1
kind: MaintenanceWindow
metadata: {{name: now}}
spec: {{{window}, timezone: UTC}}
""" if window else ""
    alerts = f"""apiVersion: guru/v1
kind: NotificationChannel
metadata: {{name: desk}}
spec: {{type: webhook, url: "{desk}"}}
---
apiVersion: guru/v1
kind: NotificationChannel
metadata: {{name: shift}}
spec: {{type: webhook, url: "{shift}"}}
---
apiVersion: guru/v1
kind: AlertRule
metadata: {{name: intake-form-broken}}
spec: {{check: {CHECK}, severity: critical, notify: [desk]}}
---
apiVersion: guru/v1
kind: AlertRule
metadata: {{name: disk-nearly-full}}
spec: {{check: disk*, state: warning, for: 10m, keepFiring: 5m, notify: [desk]}}
{muted}"""
    return {"org/alerts.yaml": alerts, "org/escalation.yaml": f"""apiVersion: guru/v1
kind: EscalationPolicy
metadata: {{name: nobody-took-it-up}}
spec:
  severities: [critical]
  steps: {{shift: {{after: {after}s, notify: [shift]}}}}
  repeat: {{every: {every}s, times: 5}}
"""}
