"""Makes this agent a service of systemd: two units and a user, or one unit. It starts and enrols nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from guru_policy.errors import GuruError, Unsupported

UNITS = Path(__file__).with_name("units")
SYSTEMD, USERS = "etc/systemd/system", "etc/sysusers.d/guru-agent.conf"
RUNNING = Path("/run/systemd/system")   # sd_booted(3)
PROGRAM = "/usr/bin/guru-agent"         # in the units as they are shipped
DECIDES, CARRIES = "guru-agent.service", "guru-agent-network.service"
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")      # noqa: S108 - names them, and uses none
TIMEOUT = 60.0                          # seconds of one program


def install(program: Path, *, together: bool, root: Path = Path("/")) -> list[Path]:
    """Write the units for this program and make them known; the files that were written.

    `together` runs both halves in one process, as root. Unsupported where no systemd runs; GuruError for what a
    disk or a program would not do.
    """
    if not RUNNING.is_dir():
        raise Unsupported("this machine does not run systemd", hint="`guru-agent run` runs both halves in one process")
    written = write(program, together=together, root=root)
    if not together:
        _run("systemd-sysusers", USERS.rpartition("/")[2])
    _run("systemctl", "daemon-reload")
    return written


def write(program: Path, *, together: bool, root: Path) -> list[Path]:
    """Write the files below `root`; those of the other way are removed."""
    folder = root / SYSTEMD
    files = {folder / DECIDES: _unit(DECIDES, program)}
    if together:
        files[folder / DECIDES] = one_process(files[folder / DECIDES])
    else:
        files[folder / CARRIES] = _unit(CARRIES, program)
        files[root / USERS] = (UNITS / "guru-agent.sysusers").read_text()
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o644)
        if together:
            (folder / CARRIES).unlink(missing_ok=True)
    except OSError as cause:
        raise GuruError(f"cannot write {cause.filename}: {cause.strerror}", hint="run it as root") from cause
    return list(files)


def one_process(unit: str) -> str:
    """The unit of the half that decides, carrying as well."""
    lines = unit.replace(" executor\n", " run\n").replace(f"Wants={CARRIES}", "Wants=network-online.target")
    return lines.replace("ConditionPathExists=", "After=network-online.target\nConditionPathExists=", 1)


def this_program() -> Path:
    """The program as it was started, for a unit to start again."""
    return Path(sys.argv[0]).absolute()             # links stay: they may be what an update turns


def hidden(program: Path) -> Path | None:
    """What of this program the unit of the half that carries cannot see (ProtectHome, PrivateTmp); None: nothing."""
    needed = (program, Path(sys.prefix), Path(sys.base_prefix))
    return next((path for path in needed for place in HIDDEN if path.is_relative_to(place)), None)


def _unit(name: str, program: Path) -> str:
    text = (UNITS / name).read_text()
    if any(letter.isspace() or letter in "%$\"'\\" for letter in str(program)):
        raise GuruError(f"{program} cannot stand in a unit", hint="install the agent where paths have plain letters")
    return text.replace(f"ExecStart={PROGRAM} ", f"ExecStart={program} ")


def _run(*argv: str) -> None:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as cause:
        raise GuruError(f"cannot run {argv[0]}") from cause
    if done.returncode:
        said = done.stderr.strip()[:300]
        raise GuruError(f"{' '.join(argv)} ended with {done.returncode}: {said}", hint="run it as root")
