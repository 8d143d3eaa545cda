"""What the signer is willing to sign, looked at field by field. Other shapes are refused; it signs nothing.

Standard library only: the signer loads no model library, so that it stays small.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from guru_policy.errors import Refused
from guru_wire.purposes import MANIFEST_LIFE_MS, MAX_LIFE_MS

AHEAD_MS = 10 * 60 * 1000               # how far what is signed may be dated ahead of the signer's clock
MOST_AT_ONCE = 2_000                    # manifests, or devices of one order's group
MOST_BLOBS = 10_000
_HEX32, _HEX64 = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[!-~]{1,64}")
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MANIFEST = ["device", "serial", "revision", "bundle", "blobs", "issued_at", "expires_at", "sealed"]
_COMMAND = {
    "argv", "shell", "script", "unless", "query", "look", "about", "stdin", "env", "secrets", "cwd", "run_as",
    "timeout", "output", "file", "inside", "change", "send",
}


class Asked(NamedTuple):
    """An order for some groups of devices, each with its nonces."""

    job: str
    command: str
    issued_at: int
    expires_at: int
    groups: Sequence[tuple[Sequence[str], Sequence[str]]]


def unfit(what: str) -> Refused:
    """Why nothing was signed."""
    return Refused(f"the signer does not sign that: {what}", hint="server and signer must be of one version")


def tenant_of(message: Mapping[str, Any]) -> str:
    """Whose keys sign."""
    return _matching(message.get("tenant"), _TENANT, "a tenant")


def number(value: object, what: str, least: int = 0) -> int:
    """A whole number."""
    if type(value) is not int or not least <= value < 1 << 53:
        raise unfit(f"{what} is no number")
    return value


def device_of(payload: object, now: int) -> str:
    """The device of a manifest in JSON, which has every field of one and no other, in its one way to be written."""
    if not isinstance(payload, str):
        raise unfit("a manifest is no text")
    try:
        told = json.loads(payload)
        same = json.dumps(told, separators=(",", ":"), ensure_ascii=False) == payload
    except (ValueError, RecursionError) as cause:
        raise unfit("a manifest is no JSON") from cause
    if not isinstance(told, dict) or list(told) != _MANIFEST or not same:
        raise unfit("a manifest has other fields")
    number(told["serial"], "a serial", 1)
    _matching(told["revision"], _WORD, "a revision")
    blobs = told["blobs"]
    if not isinstance(blobs, list) or len(blobs) > MOST_BLOBS:
        raise unfit("a manifest names too many files")
    for digest in (told["bundle"], *blobs, *([told["sealed"]] if told["sealed"] != "" else [])):
        _matching(digest, _HEX64, "a digest")
    times(told["issued_at"], told["expires_at"], MANIFEST_LIFE_MS, now)
    return _matching(told["device"], _HEX32, "a device")


def order_of(message: Mapping[str, Any], now: int) -> Asked:
    """An order with the devices that it is for."""
    command, groups = message.get("command"), message.get("groups")
    job = job_of(message)
    issued, expires = number(message.get("issued_at"), "a time"), number(message.get("expires_at"), "a time")
    times(issued, expires, MAX_LIFE_MS, now)
    if not isinstance(command, str) or not isinstance(groups, list) or not groups:
        raise unfit("an order has no command or no devices")
    try:
        told = json.loads(command, object_pairs_hook=_once)
    except (ValueError, RecursionError) as cause:
        raise unfit("a command is no JSON") from cause
    if not isinstance(told, dict) or not told.keys() <= _COMMAND:
        raise unfit("a command has other fields")
    return Asked(job, command, issued, expires, [_group(one) for one in groups])


def job_of(message: Mapping[str, Any]) -> str:
    """The id of a job."""
    return _matching(message.get("job"), _HEX32, "a job")


def hash_of(message: Mapping[str, Any]) -> str:
    """The hash of a row of the audit log."""
    return _matching(message.get("hash"), _HEX64, "a hash")


def times(issued: object, expires: object, life: int, now: int) -> None:
    """That something is good for a bounded time which does not begin in the future."""
    begins, ends = number(issued, "a time"), number(expires, "a time")
    if not begins < ends <= begins + life:
        raise unfit("its life is too long, or none")
    not_ahead(begins, now)


def not_ahead(issued: int, now: int) -> None:
    """That it is not dated into the future, where no brake counts."""
    if issued > now + AHEAD_MS:
        raise unfit("it is dated into the future")


def _group(value: object) -> tuple[list[str], list[str]]:
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(one, list) for one in value):
        raise unfit("an order's devices are misshapen")
    devices, nonces = value
    if not 0 < len(devices) == len(nonces) <= MOST_AT_ONCE:
        raise unfit("an order has no devices, or too many")
    named = [_matching(one, _HEX32, "a device") for one in devices]
    return named, [_matching(one, _HEX32, "a nonce") for one in nonces]


def _matching(value: object, shape: re.Pattern[str], what: str) -> str:
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise unfit(f"{what} is misshapen")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field stands there twice")
    return found
