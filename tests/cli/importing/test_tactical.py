"""An export of Tactical RMM becomes a valid repository; what does not is named, and no secret is written."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from guru_policy.compiling import Effective, Sources, compile_customer
from guru_policy.fleet import Fleet
from guru_policy.inventory import Device, Place
from guru_policy.loading import load
from guru_policy.tree import MemoryTree
from gurucli.importing.script_checks import shell_text
from gurucli.importing.settling import FLEET, settle
from gurucli.importing.tactical.mapping import from_tactical
from gurucli.importing.tactical.models import Task
from gurucli.importing.tactical.times import Unplanned, cron_of, jitter_of
from tests.cli.conftest import Guru

EXPORT = Path(__file__).parent / "tactical"
SECRETS = ("hunter22-not-real", "feedbeef", "sw0rdfish-not-real", "not-a-real-one", "contract 7781", "relay")
Change = Callable[[Any], None]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A copy that may be changed."""
    shutil.copytree(EXPORT, tmp_path / "export")
    return tmp_path / "export"


def changed(export: Path, name: str, change: Change) -> None:
    path = export / name
    rows = json.loads(path.read_text())
    change(rows)
    path.write_text(json.dumps(rows))


def files(export: Path) -> dict[str, Any]:
    """What is written, each document as plain data, files as text."""
    return {path: yaml.safe_load(data) if path.endswith(".yaml") else data.decode()
            for path, data in settle(from_tactical(export)).items()}


def fleet(export: Path) -> Fleet:
    return load(MemoryTree({"fleet.yaml": FLEET, **settle(from_tactical(export))}))


def left(export: Path) -> dict[str, str]:
    drafts = from_tactical(export)
    settle(drafts)
    return {one.what: one.reason for one in drafts.unmapped}


def test_the_repository_is_valid_in_form_and_comes_again_as_the_same(guru: Guru, tmp_path: Path) -> None:
    root = str(tmp_path / "fleet")
    first = guru("import", "tactical", str(EXPORT), "-d", root, "--write", "-o", "json")
    again = guru("import", "tactical", str(EXPORT), "-d", root, "--write", "-o", "json")

    assert json.loads(first.out)["written"] is True
    assert guru("validate", root).code == 0
    assert guru("fmt", root, "--check").code == 0
    assert json.loads(again.out)["written"] is False
    assert "added" not in json.loads(again.out)["counts"]


def test_nothing_is_written_unless_asked(guru: Guru, tmp_path: Path) -> None:
    done = guru("import", "tactical", str(EXPORT), "-d", str(tmp_path / "fleet"))

    assert done.code == 0
    assert "--write writes 24 files" in done.err
    assert not (tmp_path / "fleet").exists()


def test_no_secret_is_written_or_told(guru: Guru, tmp_path: Path) -> None:
    done = guru("import", "tactical", str(EXPORT), "-d", str(tmp_path / "fleet"), "--write", "-o", "json",
                "-o", f"markdown={tmp_path}/report.md")
    said = done.out + done.err + (tmp_path / "report.md").read_text() + "".join(
        path.read_text() for path in (tmp_path / "fleet").rglob("*") if path.is_file())
    secrets = [row for row in json.loads(done.out)["items"] if row["reason"].startswith("secret")]

    assert [secret for secret in SECRETS if secret in said] == []
    assert {row["name"] for row in secrets} == {
        "Join domain", "Script Check: Vault", "smtp_host_password", "mesh_token"}


def test_clients_and_sites_have_names_of_their_own_and_change_nothing_yet() -> None:
    made = files(EXPORT)

    assert made["customers/harbour-dental-co/customer.yaml"]["spec"] == {
        "displayName": "Harbour Dental & Co.", "timezone": "Europe/Berlin", "mode": "observe"}
    assert made["customers/muller-muhlen/customer.yaml"]["spec"]["displayName"] == "Müller Mühlen"
    assert [made[f"customers/harbour-dental-co/sites/{one}/site.yaml"]["spec"]["displayName"]
            for one in ("quay-4", "quay-4-2")] == ["Quay 4", "Quay-4"]
    assert "customers/muller-muhlen/sites/etc/site.yaml" in made


def test_a_share_that_is_free_becomes_one_that_is_used() -> None:
    spec = files(EXPORT)["org/policies/all-machines.yaml"]["spec"]

    assert spec["checks"]["disk"] == {
        "kind": "disk_space", "every": "600s", "path": "/", "warning": "75%", "critical": None}
    assert spec["checks"]["cpu"] == {"kind": "cpu", "every": "120s", "warning": "85%", "critical": "95%"}
    assert spec["enforced"] == ["checks.cpu", "checks.disk"]
    assert spec["selector"] == "customer notin (muller-muhlen),fact/os=linux"


def test_a_policy_that_clients_share_is_written_once_unless_it_clashes(export: Path) -> None:
    assert files(export)["org/policies/linux-servers.yaml"]["spec"]["selector"] == (
        "customer in (harbour-dental-co,muller-muhlen),op/role=server,fact/os=linux")
    changed(export, "policies/2/checks.json", lambda rows: rows.append({
        "id": 210, "policy": 2, "check_type": "cpuload", "warning_threshold": 50, "error_threshold": 60}))
    made = files(export)

    assert "org/policies/linux-servers.yaml" not in made
    assert made["customers/muller-muhlen/policies/linux-servers.yaml"]["spec"]["checks"]["cpu"]["warning"] == "50%"


def test_the_nearer_policy_wins_for_a_device(export: Path) -> None:
    changed(export, "policies/2/checks.json", lambda rows: rows.append({
        "id": 210, "policy": 2, "check_type": "memory", "name": "m", "warning_threshold": 50, "error_threshold": 60}))
    changed(export, "policies.json", lambda rows: rows[0].update(enforced=False))
    found = fleet(export)
    device = Device("1" * 32, "srv", Place("harbour-dental-co", "quay-4"), {"os": "linux"}, {"role": "server"})
    digests = dict.fromkeys(found.asset_entries(), "0" * 64)
    assigned = compile_customer(Sources(found, found), "harbour-dental-co", [device], digests).assigned[device.id]

    assert isinstance(assigned, Effective)


def test_every_thing_is_written_or_named() -> None:
    named = left(EXPORT)

    assert named["Disk Space Check: Drive C: -  Warning Threshold: 25% Error Threshold: 10%"].endswith("drive C:")
    assert named["Event Log Check: disk errors"] == "there is no check of event logs"
    assert named["Old one"].startswith("it is not active")
    assert named["Spare"].startswith("it is assigned to no client")
    assert named["Two steps"].startswith("it has 2 actions")
    assert named["2 of users"].startswith("people")
    assert named["timeout of Script Check: Backup age"].startswith("a check may take 600 s")
    assert {"patch policy of All machines", "When the disk is full"} <= set(named)
    assert {"text messages of Call the night desk", "1 custom fields of Harbour Dental & Co."} <= set(named)


def test_tasks_become_schedules_where_their_policy_is_in_force() -> None:
    made = files(EXPORT)

    assert made["org/schedules/clean-the-spool.yaml"]["spec"] == {
        "cron": "30 3 * * sun,sat", "timezone": "device", "jitter": "3600s", "missed": "once", "template": "backup-age",
        "selector": "customer in (harbour-dental-co,muller-muhlen),op/role=server"}
    assert made["org/commands/trim-the-log.yaml"]["spec"]["script"] == "journalctl --vacuum-size=200M\n"
    assert made["org/commands/patch-night.yaml"]["spec"]["script"].startswith(
        "#!/bin/bash\nexport A=1\nset -- all 'it'\"'\"'s'\n")


def test_alerts_go_to_whom_they_went() -> None:
    made = files(EXPORT)

    assert made["org/channels/alerts.yaml"]["spec"] == {"type": "email", "to": ["noc@msp.example"]}
    assert made["org/alerts/all-machines-cpu.yaml"]["spec"] == {
        "selector": "customer notin (muller-muhlen)", "check": "cpu",
        "state": "warning", "for": "240s", "severity": "medium", "notify": ["alerts"]}
    assert made["org/alerts/call-the-night-desk.yaml"]["spec"] == {
        "selector": "@muller-muhlen,op/role=server", "check": "*", "state": "critical", "severity": "high",
        "notify": ["call-the-night-desk"]}


@pytest.mark.parametrize(("body", "code"), [
    ("exit 0", 0), ("exit 4", 1), ("exit 1", 2), ("exit 7", 2), ("exit 300", 2), ("echo hi; exit 9", 0),
    ("[ \"$1\" = 'a b' ] || exit 1", 0), ("cat <<'X'\n)\" unbalanced ' (\nX\nexit 4", 1),
])
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_script_check_ends_as_a_plugin_does(shell: str, body: str, code: int) -> None:
    text = shell_text(shell, body, ["a b"], {0, 9}, {4})

    done = subprocess.run(["/bin/sh", "-c", text], capture_output=True, timeout=30, check=False)

    assert done.returncode == code, done.stderr


def test_a_body_that_holds_the_mark_is_kept_whole() -> None:
    body = "END_OF_SCRIPT() { exit 4; }\ncat <<END_OF_SCRIPT\nx\nEND_OF_SCRIPT\nEND_OF_SCRIPT"
    text = shell_text("sh", body, [], {0}, {4})

    done = subprocess.run(["/bin/sh", "-c", text], capture_output=True, timeout=30, check=False)

    assert (done.returncode, done.stdout) == (1, b"x\n")


AT = "2026-01-05T03:30:00Z"
TIMES = {
    "30 3 * * *": {"task_type": "daily", "daily_interval": 1},
    "30 3 * * mon,fri": {"task_type": "weekly", "weekly_interval": 1, "run_time_bit_weekdays": 34},
    "30 3 1,15 * *": {"task_type": "monthly", "monthly_days_of_month": 1 | 1 << 14, "monthly_months_of_year": 4095},
    "30 3 L 1,12 *": {"task_type": "monthly", "monthly_days_of_month": 1 << 31, "monthly_months_of_year": 1 | 1 << 11},
    "30 3 * * tue#1,tue#3": {"task_type": "monthlydow", "run_time_bit_weekdays": 4, "monthly_weeks_of_month": 5,
                             "monthly_months_of_year": 4095},
}


@pytest.mark.parametrize(("cron", "values"), TIMES.items())
def test_times_are_said_in_cron(cron: str, values: dict[str, Any]) -> None:
    assert cron_of(Task(id=1, name="t", run_time_date=AT, **values)) == cron


@pytest.mark.parametrize("values", [
    {"task_type": "daily", "daily_interval": 2},
    {"task_type": "weekly", "weekly_interval": 3, "run_time_bit_weekdays": 1},
    {"task_type": "weekly"}, {"task_type": "monthly", "monthly_months_of_year": 1}, {"task_type": "manual"},
    {"task_type": "monthly", "monthly_days_of_month": 1 << 31 | 1, "monthly_months_of_year": 1},
    {"task_type": "monthlydow", "run_time_bit_weekdays": 4, "monthly_weeks_of_month": 16, "monthly_months_of_year": 1},
    {"task_type": "daily", "task_repetition_interval": "15m"}, {"task_type": "daily", "run_time_date": "soon"},
])
def test_what_cron_cannot_say_is_not_said_wrongly(values: dict[str, Any]) -> None:
    with pytest.raises(Unplanned):
        cron_of(Task(id=1, name="t", **({"run_time_date": AT} | values)))


def test_a_delay_is_a_jitter_of_a_day_at_most() -> None:
    delays = {"1h30m": "5400s", "45s": "45s", "99h": "86400s", "soon": None, "": None}

    assert {text: jitter_of(Task(id=1, name="t", random_task_delay=text)) for text in delays} == delays


HOSTILE: dict[str, tuple[str, Change]] = {
    "a name full of escapes": ("clients.json", lambda rows: rows[0].update(name="\x1b[31m../../x\u202e\n")),
    "a name of nothing": ("clients.json", lambda rows: rows[0].update(name="🦷")),
    "an address that is an option": ("policies/2/checks.json", lambda rows: rows[0].update(ip="-f; reboot")),
    "a service that is a command": ("policies/1/checks.json", lambda rows: rows[3].update(svc_name="x'; reboot #")),
    "a script that ends the text": ("scripts/12.json", lambda row: row.update(script_body="\nEND_OF_SCRIPT\nreboot\n")),
    "a threshold out of range": ("policies/1/checks.json", lambda rows: rows[0].update(warning_threshold=900)),
    "an environment of lines": (
        "policies/2/checks.json", lambda rows: rows[1].update(env_vars=["A=1\nB: 2", "=", "x y=1"])),
    "placeholders": ("policies/2/checks.json", lambda rows: rows[1].update(script_args=["{{global.key}}"])),
    "a name of 10,000 letters": ("policies.json", lambda rows: rows[0].update(name="n" * 10_000)),
    "names that are no text": ("policies.json", lambda rows: rows[0].update(name={"a": 1})),
    "half a character": ("scripts/12.json", lambda row: row.update(script_body="echo \ud800")),
}


@pytest.mark.parametrize(("name", "change"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_export_makes_a_valid_repository_all_the_same(
    name: str, change: Change, export: Path, guru: Guru, tmp_path: Path
) -> None:
    changed(export, name, change)
    root = tmp_path / "fleet"

    done = guru("import", "tactical", str(export), "-d", str(root), "--write", columns=80)

    assert done.code == 0, done.err
    assert guru("validate", str(root)).code == 0
    assert guru("fmt", str(root), "--check").code == 0
    assert "\x1b[31m../" not in done.out + done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export", "fleet", "home"]


@pytest.mark.parametrize("text", [
    "", "[]", "{", '{"clients": [], "clients": []}', '{"clients": NaN}', "[" * 100_000, '{"users": []}', "\xff",
])
def test_what_is_no_export_is_an_error_with_a_sentence(text: str, guru: Guru, tmp_path: Path) -> None:
    (tmp_path / "export.json").write_bytes(text.encode("latin-1"))

    refused = guru("import", "tactical", str(tmp_path / "export.json"), "-d", str(tmp_path / "fleet"))

    assert refused.code == 10
    assert refused.err.startswith("error[G0400]")


def test_one_file_is_as_good_as_a_folder(tmp_path: Path) -> None:
    def of(name: str) -> Any:
        return json.loads((EXPORT / name).read_text())

    whole = {
        "clients": of("clients.json"), "policies": of("policies.json"), "tasks": of("tasks.json"),
        "checks": of("policies/1/checks.json") + of("policies/2/checks.json"), "users": of("users.json"),
        "scripts": of("scripts.json") + [of(f"scripts/{one}.json") for one in (12, 13, 14)],
        "alert_templates": of("alert_templates.json"), "settings": of("settings.json"),
    }
    (tmp_path / "all.json").write_text(json.dumps(whole))

    assert files(tmp_path / "all.json") == files(EXPORT)


def test_links_are_not_followed(export: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.json").write_text((export / "clients.json").read_text())
    (export / "clients.json").unlink()
    (export / "clients.json").symlink_to(tmp_path / "outside.json")

    assert not any(path.startswith("customers/") for path in files(export))
