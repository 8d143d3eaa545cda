"""An L2TP/IPsec profile of Windows, through the VpnClient cmdlets. Looks and plans; touches nothing.

Properties are those of Get-VpnConnection (ServerAddress, TunnelType, AuthenticationMethod, SplitTunneling, Routes).
Windows never gives the pre-shared key back, so `rotation` is what tells that a secret is a new one. Before login a
scheduled task of SYSTEM dials with rasdial, and puts routes and DNS on the PPP adapter that has the profile's name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import orjson

from guru_policy import powershell
from guru_policy.host import Host
from guru_policy.model import Carried
from guru_policy.powershell import listed, quoted
from guru_policy.resources.vpn.profile import Profile
from guru_policy.steps import Step

_FOLDER = r"C:\ProgramData\GuruRMM\vpn"
_TASKS = "\\GuruRMM\\"


class Connection(Carried):
    """A profile as the cmdlets tell it; `mark` is what we left when we made it."""

    server: str = ""
    tunnel: str = ""
    authentication: tuple[str, ...] = ()
    split: bool = False
    routes: tuple[str, ...] = ()
    task: bool = False
    mark: str = ""


async def look(profile: Profile, host: Host) -> Connection | None:
    """The connection, None when there is none."""
    return await powershell.ask(host, look_script(profile), Connection)


def look_script(profile: Profile) -> str:
    """The script that tells the connection as JSON, or null."""
    name = f"guru-{profile.name}"
    return (
        f"$c = Get-VpnConnection -Name {quoted(name)}{_whose(profile)} -ErrorAction SilentlyContinue; "
        f"$t = Get-ScheduledTask -TaskPath {quoted(_TASKS)} -TaskName {quoted(f'vpn-{profile.name}')} "
        "-ErrorAction SilentlyContinue; "
        f"$m = Get-Content -LiteralPath {quoted(_path(profile, 'mark'))} -ErrorAction SilentlyContinue; "
        "if ($c) { ConvertTo-Json -Compress @{ server = [string]$c.ServerAddress; tunnel = [string]$c.TunnelType; "
        "authentication = @($c.AuthenticationMethod | ForEach-Object { [string]$_ }); "
        "split = [bool]$c.SplitTunneling; "
        "routes = @($c.Routes | Where-Object { $_ } | ForEach-Object { [string]$_.DestinationPrefix }); "
        "task = [bool]$t; mark = [string]$m } } else { 'null' }"
    )


def steps(profile: Profile, found: Connection | None, secrets: dict[str, str]) -> Iterator[Step]:
    """What is missing; the secrets go in on standard input."""
    name = f"guru-{profile.name}"
    remove = f"Remove-VpnConnection -Name {quoted(name)}{_whose(profile)} -Force"
    if profile.ensure == "absent":
        if found is not None:
            yield powershell.tell(f"remove VPN connection {name}", *_no_task(profile), remove, _forget(profile))
        return
    if found is not None and _plain(found) == _plain(_wanted(profile)):
        return
    commands = ["$s = [Console]::In.ReadLine() | ConvertFrom-Json", *_no_task(profile)]
    commands += [remove] if found is not None else []
    method = {"chap": "Chap", "mschapv2": "MSChapv2"}[profile.authentication]
    commands.append(
        f"Add-VpnConnection -Name {quoted(name)} -ServerAddress {quoted(profile.server or '')} -TunnelType L2tp"
        f" -L2tpPsk $s.psk -AuthenticationMethod {method} -EncryptionLevel Optional"
        f"{_whose(profile)}{' -SplitTunneling' if profile.split_tunnel else ''} -RememberCredential -Force"
    )
    commands += [
        f"Add-VpnConnectionRoute -ConnectionName {quoted(name)} -DestinationPrefix {quoted(route)}{_whose(profile)}"
        for route in profile.routes
    ]
    commands.append(f"New-Item -ItemType Directory -Force -Path {quoted(_FOLDER)} | Out-Null")
    # Nobody but SYSTEM (S-1-5-18) and administrators (S-1-5-32-544) may read there.
    commands.append(
        f"icacls.exe {quoted(_FOLDER)} /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F'"
        " | Out-Null"
    )
    if profile.pre_login:
        commands += _task(profile)
    commands.append(f"Set-Content -LiteralPath {quoted(_path(profile, 'mark'))} -Value {quoted(_mark(profile))}")
    yield powershell.tell(f"put VPN connection {name}", *commands, secrets=orjson.dumps(secrets) + b"\n")


def _task(profile: Profile) -> list[str]:
    """A task of SYSTEM that dials at start and every five minutes when the line is down."""
    script, kept = _path(profile, "ps1"), _path(profile, "bin")
    return [
        "Add-Type -AssemblyName System.Security",
        ("$b = [Security.Cryptography.ProtectedData]::Protect([Text.Encoding]::UTF8.GetBytes($s.password), $null, "
        "'LocalMachine')"),
        f"[IO.File]::WriteAllBytes({quoted(kept)}, $b)",
        f"Set-Content -LiteralPath {quoted(script)} -Value {quoted(dial_script(profile))}",
        "$a = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument "
        + quoted(f"-NoProfile -NonInteractive -ExecutionPolicy Bypass -File {script}"),
        "$t1 = New-ScheduledTaskTrigger -AtStartup",
        "$t2 = New-ScheduledTaskTrigger -Once -At (Get-Date) -RepetitionInterval (New-TimeSpan -Minutes 5)",
        (f"Register-ScheduledTask -TaskPath {quoted(_TASKS)} -TaskName {quoted(f'vpn-{profile.name}')} -Action $a "
        "-Trigger $t1,$t2 -User 'SYSTEM' -RunLevel Highest -Force | Out-Null"),
    ]


def dial_script(profile: Profile) -> str:
    """What the task runs: dial when the line is down, then routes and DNS on the adapter that came up."""
    name = quoted(f"guru-{profile.name}")
    lines = [
        "Add-Type -AssemblyName System.Security",
        f"$n = {name}",
        "$up = Get-NetIPInterface -InterfaceAlias $n -AddressFamily IPv4 -ErrorAction SilentlyContinue",
        "if (-not $up) {",
        f"  $b = [IO.File]::ReadAllBytes({quoted(_path(profile, 'bin'))})",
        ("  $p = [Text.Encoding]::UTF8.GetString([Security.Cryptography.ProtectedData]::Unprotect($b, $null, "
        "'LocalMachine'))"),
        f"  & rasdial.exe $n {quoted(profile.user or '')} $p | Out-Null",
        "  $up = Get-NetIPInterface -InterfaceAlias $n -AddressFamily IPv4 -ErrorAction Stop",
        "}",
        f"foreach ($d in {listed(profile.routes)}) {{",
        "  if (-not (Get-NetRoute -DestinationPrefix $d -InterfaceIndex $up.ifIndex -ErrorAction SilentlyContinue)) {",
        "    New-NetRoute -DestinationPrefix $d -InterfaceIndex $up.ifIndex -PolicyStore ActiveStore | Out-Null",
        "  }",
        "}",
    ]
    if profile.dns:
        servers = listed(profile.dns)
        lines.append(f"Set-DnsClientServerAddress -InterfaceIndex $up.ifIndex -ServerAddresses {servers}")
    return "\r\n".join(lines)


def _no_task(profile: Profile) -> list[str]:
    task = f"-TaskPath {quoted(_TASKS)} -TaskName {quoted(f'vpn-{profile.name}')}"
    return [
        f"Get-ScheduledTask {task} -ErrorAction SilentlyContinue | Unregister-ScheduledTask -Confirm:$false",
    ]


def _forget(profile: Profile) -> str:
    paths = listed(tuple(_path(profile, end) for end in ("mark", "ps1", "bin")))
    return f"Remove-Item -LiteralPath {paths} -ErrorAction SilentlyContinue"


def _wanted(profile: Profile) -> Connection:
    return Connection(
        server=profile.server or "", tunnel="L2tp",
        authentication=({"chap": "Chap", "mschapv2": "MSChapv2"}[profile.authentication],),
        split=profile.split_tunnel, routes=profile.routes, task=profile.pre_login, mark=_mark(profile),
    )


def _plain(one: Connection) -> tuple[object, ...]:
    routes = frozenset(route.removesuffix("/32") for route in one.routes)
    methods = frozenset(method.lower() for method in one.authentication)
    return one.server.lower(), one.tunnel.lower(), methods, one.split, routes, one.task, one.mark.strip()


def _mark(profile: Profile) -> str:
    """Differs when anything of the profile does; it holds names of secrets only."""
    return hashlib.sha256(profile.model_dump_json().encode()).hexdigest()


def _whose(profile: Profile) -> str:
    return " -AllUserConnection" if profile.all_users else ""


def _path(profile: Profile, end: str) -> str:
    return f"{_FOLDER}\\{profile.name}.{end}"
