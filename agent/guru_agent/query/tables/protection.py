"""Rows of `firewall` and `antivirus`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from guru_agent.query.programs import has, heard
from guru_agent.query.rows import Row, Unseen, Wanted

_SIGNATURES = ("/var/lib/clamav/daily.cld", "/var/lib/clamav/daily.cvd")


def firewall(wanted: Wanted) -> Iterator[Row]:
    """Of each program that the device has: whether it works, and how many rules it has."""
    looks: dict[str, Callable[[], Row]] = {"ufw": _ufw, "nft": _nftables, "firewall-cmd": _firewalld}
    for program, look in looks.items():
        if has(program):
            yield look()


def _ufw() -> Row:
    said = _quietly("ufw", "status")
    return {"program": "ufw", "enabled": None if said is None else int("Status: active" in said),
            "rules": None if said is None else len(re.findall(r"\b(?:ALLOW|DENY|REJECT|LIMIT)\b", said))}


def _nftables() -> Row:
    said = _quietly("nft", "--stateless", "list", "ruleset")
    rules = None if said is None else count_nft_rules(said)
    return {"program": "nftables", "enabled": None if rules is None else int(rules > 0), "rules": rules}


def count_nft_rules(text: str) -> int:
    """Rules in the answer of `nft list ruleset`: lines in chains that are neither their type nor a brace."""
    chain, rules = False, 0
    for line in map(str.strip, text.splitlines()):
        if line.startswith("chain "):
            chain = True
        elif line == "}":
            chain = False
        elif chain and line and not line.startswith(("type ", "policy ")):
            rules += 1
    return rules


def _firewalld() -> Row:
    said = _quietly("firewall-cmd", "--state")
    return {"program": "firewalld", "enabled": int(said is not None and said.strip() == "running"), "rules": None}


def antivirus(wanted: Wanted) -> Iterator[Row]:
    """ClamAV; others are known by nothing that could be relied on."""
    if not has("clamscan") and not has("clamd"):
        return
    running = any(process.info["name"] == "clamd" for process in psutil.process_iter(["name"]))
    version = re.match(r"ClamAV ([^/\s]+)", _quietly("clamscan", "--version") or "")
    times = [Path(path).stat().st_mtime for path in _SIGNATURES if Path(path).is_file()]
    yield {"name": "ClamAV", "version": version[1] if version else None, "enabled": int(running),
           "signatures_at": int(max(times)) if times else None}


def _quietly(*argv: str) -> str | None:
    """What the program says; None when it may not say it to this user."""
    try:
        return heard(*argv)
    except Unseen:
        return None
