"""Accounts: who has which password and second factor, who is shut out. Digests and sealed secrets only. No HTTP."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from guru_policy.access.builtin import FixedRole
from guru_policy.errors import InputInvalid, NotFound
from guru_server.accounts import second_factor
from guru_server.accounts.sealing import Seal
from guru_server.accounts.tables import account, invitation
from guru_server.audit.log import record
from guru_server.provisioning import people as provisioned
from guru_server.tenants.quotas import make_room

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")
INVITED = 86_400                        # seconds that an invitation is good
_CODE = re.compile(r"gurui_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")
_NOBODY = "0" * 64


class Account(NamedTuple):
    """One account. `role` is a fixed one or empty; times are ms UTC."""

    name: str
    role: FixedRole | str
    password: str
    totp: str
    totp_step: int
    totp_next: str
    recovery: tuple[str, ...]
    locked: str
    created_at: int
    changed_at: int
    left_at: int | None = None          # when the repository took their Person out

    @property
    def second_factor(self) -> bool:
        """Whether there is one."""
        return bool(self.totp)


def find(connection: Connection, tenant: str, name: str, *, lock: bool = False) -> Account | None:
    """The account of that name; with `lock` nobody else changes it until the transaction ends."""
    query = select(account).where(account.c.tenant == tenant, account.c.name == name)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _account(row)


def get(connection: Connection, tenant: str, name: str, *, lock: bool = False) -> Account:
    """The same; NotFound when there is none."""
    found = find(connection, tenant, name, lock=lock)
    if found is None:
        raise NotFound(f"{name[:128]} has no account", hint=f"`guru user invite {name[:128]}` makes one")
    return found


def accounts(connection: Connection, tenant: str) -> Sequence[Account]:
    """All of them, by name."""
    return [_account(row) for row in connection.execute(
        select(account).where(account.c.tenant == tenant).order_by(account.c.name))]


def invite(
    connection: Connection, tenant: str, name: str, role: str, *, now: int, actor: str, ttl: int = INVITED
) -> str:
    """A code with which somebody sets the password of `name`, once; the only time it is known."""
    if not NAME.fullmatch(name):
        raise InputInvalid(f"{name[:64]!r} cannot be a person's name", hint="letters, digits and . _ @ + -")
    connection.execute(invitation.update().where(
        invitation.c.tenant == tenant, invitation.c.name == name, invitation.c.used_at.is_(None)).values(used_at=now))
    ident = secrets.token_hex(8)
    code = f"gurui_{ident}_{secrets.token_urlsafe(32)}"
    connection.execute(invitation.insert().values(
        tenant=tenant, id=ident, name=name, role=role, digest=_digest(code), created_by=actor[:128], created_at=now,
        expires_at=now + ttl * 1000, used_at=None,
    ))
    record(connection, now, actor, "UserInvited", f"person:{name}", f"as {role or 'bindings say'}")
    return code


def invited(connection: Connection, tenant: str, code: str, now: int) -> str:
    """For whom the code is; NotFound for one that is none, used or over."""
    return str(_invitation(connection, tenant, code, now).name)


def accept(connection: Connection, tenant: str, code: str, password_digest: str, *, now: int) -> str:
    """Spend the code: the account has this password from now on, and no second factor of before. Its name."""
    row = _invitation(connection, tenant, code, now)
    spent = connection.execute(invitation.update().where(
        invitation.c.tenant == tenant, invitation.c.id == row.id, invitation.c.used_at.is_(None)).values(used_at=now))
    if not spent.rowcount:
        raise _no_invitation()
    values = {"password": password_digest, "totp": "", "totp_step": 0, "totp_next": "", "recovery": "[]",
              "locked": "", "changed_at": now, "left_at": None}
    role = {"role": row.role} if row.role else {}           # an ordinary invitation takes no role away
    mine = (account.c.tenant == tenant, account.c.name == row.name)
    if not connection.execute(account.update().where(*mine).values(**values, **role)).rowcount:
        kept = provisioned.count(connection, tenant)
        make_room(connection, "people", lambda: kept + len(accounts(connection, tenant)))
        connection.execute(account.insert().values(
            tenant=tenant, name=row.name, role=row.role, created_at=now, **values))
    record(connection, now, f"person:{row.name}", "PasswordSet", f"person:{row.name}",
           f"by an invitation of {row.created_by}")
    return str(row.name)


def set_password(
    connection: Connection, tenant: str, name: str, digest: str, *, now: int, quietly: bool = False
) -> None:
    """Replace it; `quietly` when only its parameters are newer."""
    _change(connection, tenant, name, now, password=digest)
    if not quietly:
        record(connection, now, f"person:{name}", "PasswordSet", f"person:{name}", "by its owner")


def stand_for(connection: Connection, tenant: str, name: str, *, now: int) -> None:
    """Make an account without a password for a Person who signs in elsewhere, unless there is one."""
    if find(connection, tenant, name) is None:
        connection.execute(account.insert().values(
            tenant=tenant, name=name, role="", password="", totp="", totp_step=0, totp_next="", recovery="[]",
            locked="", created_at=now, changed_at=now))


def lock(connection: Connection, tenant: str, name: str, why: str, *, now: int, actor: str) -> None:
    """Shut the account out, or with an empty `why` let it in again."""
    get(connection, tenant, name, lock=True)
    _change(connection, tenant, name, now, locked=why[:200])
    record(connection, now, actor, "UserLocked" if why else "UserUnlocked", f"person:{name}", why)


def begin_totp(connection: Connection, tenant: str, name: str, seal: Seal, *, now: int) -> str:
    """A new secret, which counts once a code of it was shown."""
    secret = second_factor.fresh_secret()
    _change(connection, tenant, name, now, totp_next=seal.close(secret, f"{tenant} {name}"))
    return secret


def confirm_totp(connection: Connection, tenant: str, name: str, code: str, seal: Seal, *, now: int) -> tuple[str, ...]:
    """Take the new secret into use and return fresh recovery codes; InputInvalid when the code is not of it."""
    found = get(connection, tenant, name, lock=True)
    if not found.totp_next:
        raise InputInvalid("no second factor is being set up", hint="`guru mfa setup` begins")
    step = second_factor.step_of(seal.open(found.totp_next, f"{tenant} {name}"), code.strip(), now, 0)
    if step is None:
        raise InputInvalid("this code is not of the new second factor",
                           hint="the clocks of the server and of the authenticator may differ")
    _change(connection, tenant, name, now, totp=found.totp_next, totp_next="", totp_step=step)
    codes = renew_recovery(connection, tenant, name, now=now)
    record(connection, now, f"person:{name}", "SecondFactorSet", f"person:{name}", "TOTP")
    return codes


def renew_recovery(connection: Connection, tenant: str, name: str, *, now: int) -> tuple[str, ...]:
    """Fresh recovery codes; the old ones are worth nothing."""
    codes = second_factor.fresh_codes()
    _change(connection, tenant, name, now, recovery=json.dumps([second_factor.digest_of_code(one) for one in codes]))
    return codes


def drop_totp(connection: Connection, tenant: str, name: str, *, now: int, actor: str) -> None:
    """Take the second factor away."""
    _change(connection, tenant, name, now, totp="", totp_next="", totp_step=0, recovery="[]")
    record(connection, now, actor, "SecondFactorRemoved", f"person:{name}", "TOTP")


def factor_shown(connection: Connection, tenant: str, name: str, code: str, seal: Seal, *, now: int) -> bool:
    """Whether the code is good now, by time or as a recovery code. A good one is spent."""
    found = get(connection, tenant, name, lock=True)
    text = code.strip()
    if found.totp and text.isdigit():
        step = second_factor.step_of(seal.open(found.totp, f"{tenant} {name}"), text, now, found.totp_step)
        if step is not None:
            _change(connection, tenant, name, None, totp_step=step)
        return step is not None
    digest = second_factor.digest_of_code(text)
    left = [one for one in found.recovery if not hmac.compare_digest(one, digest)]
    if not found.totp or len(left) == len(found.recovery):
        return False
    _change(connection, tenant, name, None, recovery=json.dumps(left))
    record(connection, now, f"person:{name}", "RecoveryCodeUsed", f"person:{name}", f"{len(left)} are left")
    return True


def _change(connection: Connection, tenant: str, name: str, now: int | None, **values: object) -> None:
    if now is not None:
        values["changed_at"] = now
    mine = (account.c.tenant == tenant, account.c.name == name)
    if not connection.execute(account.update().where(*mine).values(**values)).rowcount:
        raise NotFound(f"{name[:128]} has no account")


def _invitation(connection: Connection, tenant: str, code: str, now: int) -> Row[Any]:
    found = _CODE.fullmatch(code)
    row = connection.execute(select(invitation).where(
        invitation.c.tenant == tenant, invitation.c.id == found[1])).one_or_none() if found else None
    same = hmac.compare_digest(row.digest if row else _NOBODY, _digest(code))
    if row is None or not same or row.used_at is not None or now >= row.expires_at:
        raise _no_invitation()
    return row


def _no_invitation() -> NotFound:
    return NotFound("this invitation is not known, was used, or is over", hint="ask for a new one")


def _account(row: Row[Any]) -> Account:
    return Account(
        row.name, row.role, row.password, row.totp, row.totp_step, row.totp_next, tuple(json.loads(row.recovery)),
        row.locked, row.created_at, row.changed_at, row.left_at,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
