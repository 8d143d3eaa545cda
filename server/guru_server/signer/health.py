"""What `guru doctor` says of the signer and of the age of keys. It looks, and asks for no signature."""

from __future__ import annotations

import asyncio
from pathlib import Path

from guru_policy.errors import GuruError
from guru_server.api.health import Probe
from guru_server.clock import Clock
from guru_server.keys.ages import OLD_DAYS, ages
from guru_server.signer.asking import Signatures
from guru_wire.health import Diagnosis


def signing(signer: Signatures, clock: Clock) -> Probe:
    """Whether the signer answers, and how near the brake is."""

    async def signer_answers() -> Diagnosis:
        try:
            brake = (await asyncio.to_thread(signer.hello))["brake"]
        except GuruError as away:
            return Diagnosis(name="signer", ok=False, message=away.message, fix=away.hint)
        told = [f"{kind} for {one['counted']:,} of {one['allowed']:,} devices" for kind, one in sorted(brake.items())]
        near = any(one["counted"] > one["allowed"] * 0.9 for one in brake.values())
        return Diagnosis(
            name="signer", ok=not near, message=f"signed within an hour: {', '.join(told)}",
            fix="beyond that, a second person: guru-server signer release --help" if near else "",
        )

    return signer_answers


def aged(folder: Path, clock: Clock) -> Probe:
    """Whether a key is so old that it should be changed."""

    async def keys() -> Diagnosis:
        found = await asyncio.to_thread(ages, folder, clock())
        old = [f"{name} is {days} days old" for name, days in found if days > OLD_DAYS]
        oldest = max((days for _, days in found), default=0)
        return Diagnosis(
            name="keys", ok=not old, message="; ".join(old) or f"the oldest key is {oldest} days old",
            fix="guru-server keys rotate NAME" if old else "",
        )

    return keys
