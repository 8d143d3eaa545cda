"""The second factor: six digits by time (TOTP, RFC 6238), or one of the recovery codes. No clock, no database."""

from __future__ import annotations

import hashlib
import hmac
import secrets

STEP = 30                               # seconds
SKEW = 1                                # steps that a clock may be off
CODES, ALPHABET = 10, "abcdefghjkmnpqrstuvwxyz23456789"
ISSUER = "GuruRMM"


def fresh_secret() -> str:
    """160 random bits in base32, as RFC 4226 recommends."""
    import pyotp

    return pyotp.random_base32()


def uri(secret: str, name: str) -> str:
    """What an authenticator's camera reads."""
    import pyotp

    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def step_of(secret: str, code: str, now: int, last: int) -> int | None:
    """The step that the code is of, or None. A step at or before `last` is over: no code counts twice."""
    import pyotp

    current = now // 1000 // STEP
    totp, found = pyotp.TOTP(secret), None
    for step in range(current - SKEW, current + SKEW + 1):
        same = hmac.compare_digest(totp.at(step * STEP), code)
        if same and step > last:
            found = step
    return found


def fresh_codes() -> tuple[str, ...]:
    """Recovery codes of 50 random bits each."""
    def part() -> str:
        return "".join(secrets.choice(ALPHABET) for _ in range(5))

    return tuple(f"{part()}-{part()}" for _ in range(CODES))


def digest_of_code(code: str) -> str:
    """How a recovery code is kept; people type it with or without dashes and in any case."""
    return hashlib.sha256(code.strip().lower().replace("-", "").replace(" ", "").encode()).hexdigest()
