"""`make audit`: advisories, rules, secrets and bills of materials, one after the other. It changes only dist/sbom.

Ends with 0 when all is well, 1 when something was found, 2 when a tool failed, and 3 when nothing was found but the
advisories could not be asked for every package: then nobody knows.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.markers import Marker
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv-audit" / "bin"
SBOM = ROOT / "dist" / "sbom"
DISTRIBUTABLES = {"guru-policy": "policies", "guru-agent": "agent", "guru-server": "server", "gurucli": "gurucli"}
PLATFORMS = ("linux", "win32", "darwin")
FINE, FOUND, FAILED, UNKNOWN = 0, 1, 2, 3


def say(text: str) -> None:
    """One line of the report."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def normal(name: str) -> str:
    """A package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(file: Path = ROOT / "requirements.lock") -> dict[str, str]:
    """The lock's entries by package: version, marker and hashes, as they stand there."""
    found = {}
    for entry in re.split(r"\n(?=[a-z0-9])", file.read_text().split("\n", 1)[1].strip()):
        found[normal(re.split(r"==|\[", entry, maxsplit=1)[0])] = entry
    return found


def closure(package: str, entries: dict[str, str]) -> set[str]:
    """The packages of the lock that a distributable needs on any platform, itself and our own left out."""
    needed, waiting = set[str](), [Requirement(package)]
    while waiting:
        asked = waiting.pop()
        key = f"{normal(asked.name)}[{','.join(sorted(asked.extras))}]"
        if key in needed:
            continue
        needed.add(key)
        waiting += _needs(asked)
    names = {key.partition("[")[0] for key in needed}
    return {name for name in names if name in entries}


def _needs(asked: Requirement) -> Iterator[Requirement]:
    try:
        lines = requires(asked.name) or []
    except PackageNotFoundError:        # of another platform: the lock has it, this machine has not
        return
    for one in map(Requirement, lines):
        if one.marker is None or any(_holds(one.marker, extra) for extra in asked.extras or {""}):
            yield one


def _holds(marker: Marker, extra: str) -> bool:
    systems = {"linux": "Linux", "win32": "Windows", "darwin": "Darwin"}
    return any(
        marker.evaluate({"extra": extra, "sys_platform": name, "platform_system": systems[name]}) for name in PLATFORMS
    )


def bills() -> int:
    """Write a CycloneDX bill of materials for each distributable, validated by the tool that writes it."""
    SBOM.mkdir(parents=True, exist_ok=True)
    entries = locked()
    for package, folder in DISTRIBUTABLES.items():
        names = sorted(closure(package, entries))
        with TemporaryDirectory() as place:
            listed = Path(place) / "requirements.txt"
            ours = [] if package == "guru-policy" else [f"guru-policy=={_version()}"]
            listed.write_text("\n".join([*ours, *(entries[name] for name in names)]) + "\n")
            out = SBOM / f"{package}.cdx.json"
            project = str(ROOT / folder / "pyproject.toml")
            done = run("cyclonedx-py", "requirements", "--pyproject", project, "--sv", "1.6", "--output-reproducible",
                       "--validate", "-o", str(out), str(listed))
        if done.returncode:
            say(f"sbom: {package}: {done.stderr.strip()[-500:]}")
            return FAILED
        parts = json.loads(out.read_text())["components"]
        say(f"sbom: {out.relative_to(ROOT)}: {len(parts)} components")
        if len(parts) != len(names) + len(ours):
            return FAILED
    return FINE


def advisories() -> int:
    """Ask for known vulnerabilities of every locked package; a package that could not be asked for is not well."""
    done = run("pip-audit", "-r", "requirements.lock", "--no-deps", "--disable-pip", "--progress-spinner", "off",
               "--timeout", "10", "-f", "json")
    try:
        told = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        why = (done.stderr.strip() or "no answer").splitlines()[-1][:200]
        say(f"advisories: they cannot be reached from here: {why}")
        return UNKNOWN
    for one in told:
        for hole in one.get("vulns", ()):
            say(f"advisories: {one['name']} {one['version']}: {hole['id']}, mended in {hole['fix_versions'] or 'none'}")
    bad = sum(bool(one.get("vulns")) for one in told)
    skipped = [one["name"] for one in told if "skip_reason" in one]
    say(f"advisories: {len(told) - len(skipped)} packages were asked for, {bad} have known vulnerabilities")
    if skipped:
        say(f"advisories: {len(skipped)} packages could NOT be asked for from here, such as {skipped[0]}")
    return FOUND if bad else UNKNOWN if skipped else FINE


def rules() -> int:
    """The security rules of ruff (flake8-bandit's) over the product; pyproject.toml says why two of them are off."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "S", "--ignore", "S603,S607", *DISTRIBUTABLES.values()],
        cwd=ROOT, check=False, capture_output=True, text=True, timeout=300,
    )
    say(f"rules: {done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr.strip()[-200:]}")
    return FINE if done.returncode == 0 else FOUND if done.returncode == 1 else FAILED


def secrets() -> int:
    """Secrets in the history and the tree."""
    done = subprocess.run(
        [BIN / "python", ROOT / "tools" / "secret_scan.py"], cwd=ROOT, check=False, capture_output=True, text=True,
        timeout=1800,
    )
    say((done.stdout.strip() or done.stderr.strip())[-4000:])
    return done.returncode if done.returncode in (FINE, FOUND) else FAILED


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A tool of `make audit`."""
    return subprocess.run(
        [BIN / program, *arguments], cwd=ROOT, check=False, capture_output=True, text=True, timeout=900
    )


def _version() -> str:
    text = (ROOT / "policies" / "pyproject.toml").read_text()
    return re.findall(r'^version = "(.+)"', text, re.MULTILINE)[0]


def main() -> int:
    """Every part, whatever the ones before found; the gravest ending counts."""
    parts = {"rules": rules, "sbom": bills, "secrets": secrets, "advisories": advisories}
    chosen = sys.argv[1:] or list(parts)
    endings = {name: parts[name]() for name in chosen}
    words = {FINE: "well", FOUND: "FOUND", FAILED: "FAILED", UNKNOWN: "UNKNOWN"}
    say("audit: " + ", ".join(f"{name} {words[ending]}" for name, ending in endings.items()))
    return next((ending for ending in (FAILED, FOUND, UNKNOWN) if ending in endings.values()), FINE)


if __name__ == "__main__":
    sys.exit(main())
