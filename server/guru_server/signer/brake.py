"""The brake: how many devices may be signed for in an hour without a second person. It signs nothing.

What was counted and released stands in a file of lines that only grows while the signer runs, so a restart forgets
nothing. A count is of distinct devices within the last hour, apart for orders and for states.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from guru_policy.errors import InputInvalid, Refused
from guru_server.keys import files

HOUR_MS = 3_600_000
COMPACT = 8 << 20                       # bytes of the file at which old lines go
MOST_RELEASED = 1_000_000
LONGEST_MS = 24 * HOUR_MS               # of a release
Kind = Literal["commands", "states"]
KINDS: tuple[Kind, ...] = ("commands", "states")


class Braked(Refused):
    """More devices than may be signed for without a second person. Nothing was signed; it is tried again."""


class Release(NamedTuple):
    """A second person's word: so many devices more, until then (ms UTC). `uid` is who said so on this machine."""

    kind: Kind
    devices: int
    until: int
    reason: str
    uid: int
    at: int


class Brake:
    """Counts, in the signer's process alone. `path` None keeps nothing: for tests."""

    def __init__(self, path: Path | None, limits: Mapping[Kind, int], now: int = 0) -> None:
        self._path, self._limits = path, limits
        self._seen: dict[Kind, OrderedDict[str, int]] = {kind: OrderedDict() for kind in KINDS}
        self.releases: list[Release] = []
        if path is not None and path.exists():
            self._read(path, now)

    def take(self, kind: Kind, tenant: str, devices: Sequence[str], now: int) -> None:
        """Count these devices; Braked, and none is counted, when that would be too many."""
        seen = self._seen[kind]
        self._forget(now)
        names = [f"{tenant}/{one}" for one in devices]
        total = len(seen) + len({one for one in names if one not in seen})
        allowed = self.allowed(kind, now)
        if total > allowed:
            what = "orders" if kind == "commands" else "states"
            raise Braked(
                f"signing is held: {what} for {total:,} devices within an hour, and {allowed:,} are allowed without a "
                f"second person",
                hint=f"a second person there: guru-server signer release --{kind} {total} --for 30m --reason ...",
            )
        for one in names:
            seen[one] = now
            seen.move_to_end(one)
        self._write([kind, now, tenant, list(devices)], now)

    def release(self, kind: Kind, devices: int, until: int, reason: str, uid: int, now: int) -> Release:
        """Let so many devices more pass until then. InputInvalid for what is no sensible release."""
        if kind not in KINDS or not 0 < devices <= MOST_RELEASED or not now < until <= now + LONGEST_MS:
            raise InputInvalid("a release is for 1 to 1,000,000 devices and at most 24 hours", hint="--for 30m")
        if not reason.strip():
            raise InputInvalid("a release needs a reason", hint="--reason 'patch day'")
        made = Release(kind, devices, until, reason.strip()[:200], uid, now)
        self.releases.append(made)
        self._write(["release", *made], now)
        return made

    def allowed(self, kind: Kind, now: int) -> int:
        """Devices within an hour, with what was released."""
        return self._limits[kind] + sum(one.devices for one in self.releases if one.kind == kind and now < one.until)

    def counted(self, kind: Kind, now: int) -> int:
        """Distinct devices within the last hour."""
        self._forget(now)
        return len(self._seen[kind])

    def _forget(self, now: int) -> None:
        for seen in self._seen.values():
            while seen:
                name, at = next(iter(seen.items()))
                if now - HOUR_MS < at <= now + HOUR_MS:     # a clock that jumped ahead and back holds nothing up
                    break
                del seen[name]
        self.releases = [one for one in self.releases if now < one.until]

    def _read(self, path: Path, now: int) -> None:
        for line in path.read_bytes().splitlines():
            try:
                told = json.loads(line)
                if told[0] == "release":
                    self.releases.append(Release(*told[1:]))
                else:
                    for device in told[3]:
                        self._seen[told[0]][f"{told[2]}/{device}"] = int(told[1])
                        self._seen[told[0]].move_to_end(f"{told[2]}/{device}")
            except (ValueError, LookupError, TypeError):
                continue                # a line that a kill cut off
        self._compact(path, now)

    def _write(self, line: list[object], now: int) -> None:
        if self._path is None:
            return
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(line, separators=(",", ":")) if file.tell() else json.dumps(line))
            size = file.tell()
        if size > COMPACT:
            self._compact(self._path, now)

    def _compact(self, path: Path, now: int) -> None:
        """Write what still counts anew."""
        self._forget(now)
        lines: list[list[object]] = [["release", *one] for one in self.releases]
        for kind in KINDS:
            groups: dict[tuple[int, str], list[str]] = {}
            for name, at in self._seen[kind].items():
                tenant, _, device = name.rpartition("/")
                groups.setdefault((at, tenant), []).append(device)
            lines += [[kind, at, tenant, devices] for (at, tenant), devices in groups.items()]
        files.replace(path, "\n".join(json.dumps(line, separators=(",", ":")) for line in lines).encode())
