"""Fleet's GitOps files become a valid repository; what does not is named with its place, and no secret is written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gurucli.importing.fleetdm.mapping import from_fleet
from gurucli.importing.settling import settle
from tests.cli.conftest import Guru

EXPORT = Path(__file__).parent / "fleet"
SECRETS = ("enrol-me-not-real", "s3cretpass", "never-written-anywhere")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A copy that may be changed."""
    shutil.copytree(EXPORT, tmp_path / "export")
    return tmp_path / "export"


def files(export: Path) -> dict[str, Any]:
    """What is written, each document as plain data, files as text."""
    return {path: yaml.safe_load(data) if path.endswith(".yaml") else data.decode()
            for path, data in settle(from_fleet(export)).items()}


def left(export: Path) -> dict[str, tuple[str, str]]:
    """What is not imported: its place and the reason."""
    return {one.what: (one.source, one.reason) for one in from_fleet(export).unmapped}


def test_the_repository_is_valid_in_form_and_comes_again_as_the_same(guru: Guru, tmp_path: Path) -> None:
    root = str(tmp_path / "fleet")
    first = guru("import", "fleet", str(EXPORT), "-d", root, "--write", "-o", "json")
    again = guru("import", "fleet", str(EXPORT), "-d", root, "--write", "-o", "json")

    assert json.loads(first.out)["written"] is True
    assert guru("validate", root).code == 0
    assert guru("fmt", root, "--check").code == 0
    assert json.loads(again.out)["written"] is False


def test_no_secret_is_written_or_told(guru: Guru, tmp_path: Path) -> None:
    done = guru("import", "fleet", str(EXPORT), "-d", str(tmp_path / "fleet"), "--write", "-o", "json",
                "-o", f"markdown={tmp_path}/report.md", "-o", f"sarif={tmp_path}/report.sarif")
    said = done.out + done.err + "".join(
        path.read_text() for path in tmp_path.rglob("*") if path.is_file() and "home" not in path.parts)

    assert done.code == 0
    assert [secret for secret in SECRETS if secret in said] == []


def test_a_team_is_a_group_with_its_policies() -> None:
    made = files(EXPORT)

    assert made["groups/it-servers.yaml"]["spec"]["selector"] == "op/team=it-servers"
    assert made["groups/it-servers.yaml"]["spec"]["displayName"] == "☁️ IT Servers"
    assert list(made["groups/it-servers/fleet-it-servers.yaml"]["spec"]["checks"]) == ["fleet-chrony-runs"]
    assert list(made["org/policies/fleet.yaml"]["spec"]["checks"]) == [
        "fleet-ssh-root-login-is-off", "fleet-ssh-root-login-is-off-2"]


def test_policies_tell_whom_their_webhook_told() -> None:
    made = files(EXPORT)

    assert made["org/channels/fleet.yaml"]["spec"] == {
        "type": "webhook", "url": "https://hooks.example.test/failing"}
    assert made["org/alerts/fleet-policies.yaml"]["spec"]["check"] == "fleet-*"
    assert made["org/alerts/fleet-ssh-root-login-is-off.yaml"]["spec"]["severity"] == "critical"


@pytest.mark.parametrize(("answer", "code", "said"), [
    ("echo 1", 0, "passes"), ("true", 2, "Set PermitRootLogin to no."), ("exit 1", 3, "osquery could not answer"),
    (None, 3, "osqueryi is not installed"),
])
def test_a_check_reads_what_osquery_answers(answer: str | None, code: int, said: str, tmp_path: Path) -> None:
    check = files(EXPORT)["org/policies/fleet.yaml"]["spec"]["checks"]["fleet-ssh-root-login-is-off"]
    if answer is not None:
        (tmp_path / "osqueryi").write_text(f"#!/bin/sh\ncase $* in *augeas*) {answer} ;; esac\n")
        (tmp_path / "osqueryi").chmod(0o755)

    done = subprocess.run(["/bin/sh", "-c", check["shell"]], env={**check["env"], "PATH": f"{tmp_path}:{os.defpath}"},
                          capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, done.stdout.strip()) == (code, said)


def test_what_has_no_place_is_named_with_file_and_line() -> None:
    named = left(EXPORT)

    assert named["Debian hosts"][0] == "default.yml:36"
    assert named["Disk encryption (macOS)"] == ("default.yml:21", "it is for darwin, and checks run on Linux")
    assert named["teams/broken.yml"][1].startswith("not read: the key `name`")
    assert named["../../outside.sh"][1] == "there is no such file in the export"
    assert named["With a token"][1].startswith("secret")
    assert named["software.fleet_maintained_apps: slack/darwin"][0].startswith("teams/servers.yml:")
    assert {"agent_options", "secrets", "controls.enable_disk_encryption", "run_script of Chrony runs"} <= set(named)


def test_no_path_leaves_the_export(export: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.yml").write_text("- name: Stolen\n  query: SELECT 1;\n")
    (export / "lib/link.yml").symlink_to(tmp_path / "outside.yml")
    (export / "default.yml").write_text(
        f"policies:\n  - path: ../outside.yml\n  - path: {tmp_path}/outside.yml\n  - path: lib/link.yml\n"
        "  - path: default.yml\n")

    assert "stolen" not in json.dumps(files(export))
    assert {"../outside.yml", f"{tmp_path}/outside.yml"} <= set(left(export))


@pytest.mark.parametrize("text", [
    "policies: 7\nqueries: {a: b}\nlabels: text\ncontrols: [1]\nsoftware: x\n", "policies: [null, 1, [], {}]\n", "[]\n",
    "name: \"\\e[31m\"\npolicies:\n  - {name: \"\\x07\", query: SELECT 1}\n",
    "policies: [{name: 'a', query: 'b'}]\n" * 2,
    "policies:\n  - {name: '🦷', query: SELECT 1;}\n", "labels: [{name: '🦷', label_membership_type: manual}]\n",
    "policies:\n  - {name: n, query: 'SELECT 1; -- it''s'}\nqueries:\n  - {name: n, query: \"a\\nb -- c\\nd 'e'\"}\n",
    "a: &a [*a]\n", "!!python/object/apply:os.system ['true']\n", "policies: " + "[" * 200 + "\n",
])
def test_hostile_files_make_a_valid_repository_or_an_error_with_a_sentence(
    text: str, export: Path, guru: Guru, tmp_path: Path
) -> None:
    (export / "teams/servers.yml").write_text(text)
    root = tmp_path / "fleet"

    done = guru("import", "fleet", str(export), "-d", str(root), "--write", columns=80)

    assert done.code == 0, done.err
    assert "\x1b[31m" not in done.err
    assert guru("validate", str(root)).code == 0
    assert guru("fmt", str(root), "--check").code == 0


def test_a_folder_without_default_yml_is_no_export(guru: Guru, tmp_path: Path) -> None:
    refused = guru("import", "fleet", str(tmp_path), "-d", str(tmp_path / "fleet"))

    assert refused.code == 10
    assert "default.yml" in refused.err
