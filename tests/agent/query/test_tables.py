"""Every table on this very machine, and the readers of what other programs print."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from guru_agent.query.engine import Limits, run
from guru_agent.query.rows import Given, Wanted
from guru_agent.query.tables import ROWS
from guru_agent.query.tables.containers import read_ps
from guru_agent.query.tables.disks import read_lsblk, read_smart
from guru_agent.query.tables.events import read_entry
from guru_agent.query.tables.network import read_routes, read_routes_6
from guru_agent.query.tables.packages import read_apt, read_dnf, read_dpkg, read_rpm
from guru_agent.query.tables.protection import count_nft_rules
from guru_agent.query.tables.services import read_shown
from guru_agent.query.tables.timed import read_cron, read_timers
from guru_policy.query import BY_NAME, TABLES, Table
from tests.agent.query import recorded

LIMITS = Limits(rows=1000, bytes=1 << 20, seconds=60)


def ask(sql: str, root: str = "") -> list[dict[str, object]]:
    result = run(sql, ROWS, LIMITS, root=root)
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def test_every_table_has_its_rows() -> None:
    assert ROWS.keys() == BY_NAME.keys()
    assert [table.name for table in TABLES] == sorted(BY_NAME)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_rows_hold_only_columns_of_their_table_in_its_types(table: Table) -> None:
    given = (Given("directory", "=", "/etc"),) if table.needs else ()
    types: dict[str, tuple[type, ...]] = {"text": (str,), "integer": (int,), "real": (int, float)}
    known = {column.name: types[column.type] for column in table.columns}
    wanted = Wanted(frozenset(known), given)
    count = 0
    try:
        for row in ROWS[table.name](wanted):
            count += 1
            assert row.keys() <= known.keys()
            assert all(value is None or isinstance(value, known[name]) for name, value in row.items())
    except Exception as error:
        assert type(error).__name__ == "Unseen", f"{table.name}: {error!r}"         # noqa: PT017
    assert count or table.name not in ("agent", "os", "hardware", "kernel", "processes", "users", "mounts", "files")


def test_this_process_is_among_the_processes_and_quick_by_its_pid() -> None:
    (row,) = ask(f"select pid, name, parent, uid, rss, resident_size from processes where pid = {os.getpid()}")

    assert row["parent"] == os.getppid()
    assert row["uid"] == os.getuid()
    assert row["rss"] == row["resident_size"]


def test_a_port_that_listens_is_listed_with_its_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (row,) = ask(f"select pid, address, protocol, family from listening_ports where port = {port}")

    assert row == {"pid": os.getpid(), "address": "127.0.0.1", "protocol": 6, "family": 2}


@pytest.mark.parametrize("where", [
    "path = '/etc/a.conf'", "path glob '/etc/*.conf'", "path like '/etc/_.conf'", "path in ('/etc/a.conf', '/etc/z')",
    "directory = '/etc' and filename like 'a.%'", "path glob '/*/a.c?nf'",
])
def test_files_are_found_by_path_pattern_or_directory_within_the_sandbox(where: str, tmp_path: Path) -> None:
    (tmp_path / "etc/deep").mkdir(parents=True)
    (tmp_path / "etc/a.conf").write_text("12345")
    (tmp_path / "etc/deep/b.txt").write_text("")

    (row,) = ask(f"select path, size, type, symlink from files where {where}", str(tmp_path))

    assert row == {"path": "/etc/a.conf", "size": 5, "type": "regular", "symlink": None}


@pytest.mark.parametrize("where", [
    "path = '/../../../../../etc/passwd'", "directory = '/../../../../../etc'", "path glob '/../../../../../etc/*'",
    "path = '/x' || char(0)", "directory = char(0)",
])
def test_no_path_leads_out_of_the_sandbox(where: str, tmp_path: Path) -> None:
    assert ask(f"select path from files where {where}", str(tmp_path)) == []


def test_a_link_is_told_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)

    rows = ask("select path, type, symlink from files where path glob '/*'", str(tmp_path))

    assert rows == [{"path": "/loop", "type": "symlink", "symlink": str(tmp_path)}]


def test_a_name_that_is_not_utf_8_does_no_harm(tmp_path: Path) -> None:
    os.close(os.open(os.fsencode(tmp_path) + b"/caf\xe9", os.O_CREAT))

    assert len(ask("select filename from files where directory = '/'", str(tmp_path))) == 1


def test_secrets_are_left_out_of_the_environment() -> None:
    assert not ask("select key from env where key like '%TOKEN%' or key like '%PASS%' or key like '%SECRET%'")


def test_services_are_read_from_systemctl() -> None:
    first, second = read_shown(recorded.SYSTEMCTL_SHOW)

    assert first == {
        "name": "cron", "description": "Regular background program processing daemon", "status": "running",
        "load_state": "loaded", "active_state": "active", "start_type": "enabled", "pid": 412, "restarts": 0,
        "memory": 1_236_992,
    }
    assert (second["name"], second["pid"], second["memory"], second["start_type"]) == ("rescue", 0, None, "static")


def test_packages_are_read_from_dpkg_and_rpm() -> None:
    held, removed = read_dpkg(recorded.DPKG)
    rows = list(read_rpm(recorded.RPM))

    assert (held["name"], held["size"], held["status"]) == ("curl", 516_096, "held")
    assert removed["status"] == "config-files"
    assert [(row["name"], row["version"], row["size"]) for row in rows] == [("bash", "5.1.8-9.el9", 7_738_634)]


def test_updates_are_read_from_apt_and_dnf() -> None:
    plain, secure, new = read_apt(recorded.APT)
    dnf = list(read_dnf(recorded.DNF))

    assert (plain["name"], plain["version"], plain["available"], plain["security"]) == (
        "base-files", "12.4+deb12u11", "12.4+deb12u15", 0)
    assert (secure["name"], secure["security"]) == ("libssl3", 1)
    assert (new["name"], new["version"]) == ("linux-image-6.1.0-40-amd64", None)
    assert [row["name"] for row in dnf] == ["curl", "python3.11-libs"]


def test_disks_are_read_from_lsblk_old_and_new() -> None:
    disk, part = read_lsblk(recorded.LSBLK)

    assert (disk["name"], disk["size"], disk["rotational"]) == ("/dev/nvme0n1", 512_110_190_592, 0)
    assert disk["parent"] is None
    assert (part["parent"], part["size"], part["mounted_at"]) == ("/dev/nvme0n1", 510_000_000_000, "/")


def test_health_is_read_from_smartctl_of_ata_and_nvme() -> None:
    ata, nvme = read_smart(recorded.SMART_ATA), read_smart(recorded.SMART_NVME)

    assert (ata["passed"], ata["reallocated"], ata["pending"], ata["temperature"]) == (1, 8, 0, 34)
    assert (nvme["passed"], nvme["percent_used"], nvme["media_errors"]) == (0, 91, 12)


def test_routes_are_read_from_the_kernel() -> None:
    default, local = read_routes(recorded.ROUTES)
    six = list(read_routes_6(recorded.ROUTES_6))

    assert default == {"destination": "0.0.0.0", "netmask": 0, "gateway": "192.0.2.1", "interface": "eth0",
                       "metric": 100}
    assert (local["destination"], local["netmask"], local["gateway"]) == ("192.0.2.0", 24, "")
    assert [(row["destination"], row["netmask"], row["interface"]) for row in six] == [("fe80::", 64, "eth0")]


def test_jobs_are_read_from_crontabs() -> None:
    system = list(read_cron(recorded.CRONTAB, "/etc/crontab", None))
    own = list(read_cron("@reboot /usr/bin/true\n5 4 * * * run me\n", "/var/spool/cron/crontabs/ada", "ada"))

    assert [(row["minute"], row["username"], row["command"]) for row in system] == [
        ("17", "root", "cd / && run-parts --report /etc/cron.hourly")]
    assert [(row.get("event"), row["username"], row["command"]) for row in own] == [
        ("@reboot", "ada", "/usr/bin/true"), (None, "ada", "run me")]


def test_timers_are_read_from_systemctl() -> None:
    (apt, never) = read_timers(recorded.TIMERS, {"apt-daily.timer"})

    assert (apt["enabled"], apt["last_run_time"], apt["next_run_time"]) == (1, 1_764_210_000, 1_764_250_000)
    assert (never["enabled"], never["last_run_time"]) == (0, None)


def test_entries_of_the_journal_are_text_or_bytes() -> None:
    text, raw = (read_entry(line) for line in recorded.JOURNAL.splitlines())

    assert (text["time"], text["unit"], text["priority"], text["pid"]) == (1_764_210_000, "ssh.service", 6, 321)
    assert raw["message"] == "caf\N{REPLACEMENT CHARACTER}"


def test_containers_are_read_from_docker_and_podman() -> None:
    (docker,) = read_ps(recorded.DOCKER, "docker")
    (podman,) = read_ps(recorded.PODMAN, "podman")

    assert (docker["id"], docker["name"], docker["command"]) == ("0123456789ab", "web", "nginx -g daemon off;")
    assert (podman["name"], podman["command"], podman["state"]) == ("db", "postgres", "exited")


def test_only_rules_are_counted_of_an_nftables_ruleset() -> None:
    assert count_nft_rules(recorded.NFT) == 2
