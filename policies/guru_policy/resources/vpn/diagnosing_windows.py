"""The same looks on Windows: one question to PowerShell, judged here. Not tried on a Windows machine.

Codes are those of RasClient's event 20227 (RAS error codes, raserror.h).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guru_policy import powershell
from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.model import Carried
from guru_policy.powershell import quoted
from guru_policy.verdict import State

_CODES = {
    "691": ("the server refused the user or the password", "compare `user` and the secret of `password`"),
    "789": ("the pre-shared key is another one, or UDP 500 and 4500 are closed", "compare the secret of `psk`"),
    "809": ("the server does not answer", "UDP 500 and 4500 must be open; behind NAT see AssumeUDPEncapsulation"),
    "868": ("the server's name cannot be resolved", "look at `server`"),
}


class Told(Carried):
    """What PowerShell tells of a profile."""

    status: str = ""                    # empty: there is no such profile
    addresses: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    error: str = ""                     # the newest code, within two hours
    ping: bool | None = None


async def look(host: Host, name: str, target: str, all_users: bool) -> Told:
    """One question. CannotLook when PowerShell does not answer it."""
    alias, everybody = quoted(f"guru-{name}"), " -AllUserConnection" if all_users else ""
    ping = f"[bool](Test-Connection -ComputerName {quoted(target)} -Count 2 -Quiet)" if target else "$null"
    found = await powershell.ask(host, (
        f"$c = Get-VpnConnection -Name {alias}{everybody} -ErrorAction SilentlyContinue; "
        f"$a = @(Get-NetIPAddress -InterfaceAlias {alias} -ErrorAction SilentlyContinue | "
        "ForEach-Object { [string]$_.IPAddress }); "
        f"$r = @(Get-NetRoute -InterfaceAlias {alias} -ErrorAction SilentlyContinue | "
        "ForEach-Object { [string]$_.DestinationPrefix }); "
        f"$d = @(Get-DnsClientServerAddress -InterfaceAlias {alias} -ErrorAction SilentlyContinue | "
        "ForEach-Object { $_.ServerAddresses } | Where-Object { $_ }); "
        "$e = Get-WinEvent -MaxEvents 1 -ErrorAction SilentlyContinue -FilterHashtable "
        "@{ LogName = 'Application'; ProviderName = 'RasClient'; Id = 20227; StartTime = (Get-Date).AddHours(-2) }; "
        "$m = if ($e -and $e.Message -match '([0-9]{3})\\D*$') { $Matches[1] } else { '' }; "
        "ConvertTo-Json -Compress @{ status = [string]$c.ConnectionStatus; addresses = $a; routes = $r; dns = $d; "
        f"error = [string]$m; ping = {ping} }}"
    ), Told)
    if found is None:
        raise CannotLook("PowerShell told nothing of the profile")
    return found


def findings(told: Told, routes: Sequence[str], dns: Sequence[str]) -> list[dict[str, Any]]:
    """The findings, as fields of diagnosing.Finding."""
    missing = [one for one in routes if one not in told.routes]
    lacking = [one for one in dns if one not in told.dns]
    connected = told.status.lower() == "connected"
    message, hint = _CODES.get(told.error, (f"RasClient says error {told.error}", "look it up: raserror.h"))
    test = State.unknown if told.ping is None else State.ok if told.ping else State.warning
    return [
        _one("interface", State.ok if connected else State.critical,
             f"the profile is {told.status or 'not there'}", "" if connected else "connect it: rasdial",
             told.addresses),
        _one("routes", State.critical if missing and connected else State.ok if connected else State.unknown,
             f"{', '.join(missing)} do not go through it" if missing else "its networks go through it",
             "", told.routes),
        _one("dns", State.warning if lacking and connected else State.ok if connected else State.unknown,
             f"{', '.join(lacking)} are not asked for names" if lacking else "its servers are asked for names",
             "", told.dns),
        _one("authentication", State.critical if told.error else State.ok,
             message if told.error else "RasClient logged no failure in the last two hours",
             hint if told.error else ""),
        _one("test", test, "an address behind it answers" if told.ping else "no address behind it answers", ""),
    ]


def _one(subject: str, verdict: State, message: str, hint: str, details: Sequence[str] = ()) -> dict[str, Any]:
    return {"subject": subject, "verdict": verdict, "message": message, "hint": hint, "details": tuple(details)}
