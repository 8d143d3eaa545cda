"""The examinations of `guru doctor`, one after the other, as lines. Each failed step spares the ones behind
it.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

from guru_policy.errors import GuruError, Refused
from guru_wire.version import VERSION
from gurucli import contexts
from gurucli.answers import Diagnosis, Doctor, WhoAmI
from gurucli.cli import Cli
from gurucli.client import API, Client
from gurucli.human import plural, span

SKEW = 30.0                             # seconds: signatures and tokens stand on clocks
CERTIFICATE_DAYS = 14
TOKEN_DAYS = 7


def examine(cli: Cli) -> Iterator[Diagnosis]:
    """The lines, from this computer outwards."""
    yield _config(cli)
    try:
        context = cli.context
        client = cli.client(context)
    except GuruError as error:
        yield _wrong("server", error)
        return
    with client:
        reached = _reach(client)
        yield reached
        if not reached["ok"]:
            return
        yield from _certificate(client, cli.now())
        yield _clock(client)
        yield from _signed_in(client, context.signed_in, cli.now())


def _config(cli: Cli) -> Diagnosis:
    path = cli.environment.config
    if cli.environment.url and not cli.options.context:
        return _fine("configuration", f"GURU_URL names {cli.environment.url}")
    try:
        config = contexts.load(path)
    except GuruError as error:
        return _wrong("configuration", error)
    if not path.exists():
        return _bad("configuration", f"{path} does not exist", "sign in with `guru login URL`")
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return _bad("configuration", f"{path} has mode {mode:o}: others can read your tokens",
                    f"chmod 600 {path}")
    return _fine("configuration", f"{path}, {plural(len(config.contexts), 'context')}, "
                                  f"{config.current or 'none'} in use")


def _reach(client: Client) -> Diagnosis:
    began = time.monotonic()
    try:
        client.request("GET", f"{API}/health")
        began = time.monotonic()
        client.request("GET", f"{API}/health")
    except GuruError as error:
        return _wrong("server", error)
    return _fine("server", f"{client.url} answers in {(time.monotonic() - began) * 1000:.0f} ms")


def _certificate(client: Client, now: float) -> Iterator[Diagnosis]:
    ends = client.certificate().get("notAfter")
    if not isinstance(ends, str):
        return
    left = ssl.cert_time_to_seconds(ends) - now
    text = f"verified, ends in {span(left)}"
    if left < CERTIFICATE_DAYS * 86400:
        yield _bad("certificate", text,
                   "renew the server's certificate: `guru-server` makes a new one at its start")
    else:
        yield _fine("certificate", text)


def _clock(client: Client) -> Diagnosis:
    if client.skew is None:
        return _fine("clock", "the server tells no time")
    ahead = "ahead" if client.skew > 0 else "behind"
    text = f"the server's is {abs(client.skew):.0f} s {ahead}" if abs(client.skew) >= 2 else "as the server's"
    if abs(client.skew) > SKEW:
        return _bad("clock", text, "set both clocks by NTP: tokens and signatures stand on them")
    return _fine("clock", text)


def _signed_in(client: Client, token: bool, now: float) -> Iterator[Diagnosis]:
    if not token:
        yield _bad("token", "none", f"guru login {client.url}")
        return
    try:
        who = client.get(WhoAmI, "/whoami")
    except GuruError as error:
        yield _wrong("token", error)
        return
    yield _token(who, now, client.url)
    yield _versions(who)
    try:
        for line in client.get(Doctor, "/doctor")["lines"]:
            yield {"name": f"server: {line['name']}", "ok": line["ok"], "message": line["message"],
                   "fix": line["fix"]}
    except Refused:
        yield _fine("server", "its health is for those who have server.read")
    except GuruError as error:
        yield _wrong("server: doctor", error)


def _token(who: WhoAmI, now: float, url: str) -> Diagnosis:
    text = f"{who['name']}, {who['role'] or 'rights by bindings'}"
    expires = who["expires_at"]
    if expires is None:
        return _fine("token", f"{text}, without an end")
    left = expires / 1000 - now
    if left < TOKEN_DAYS * 86400:
        return _bad("token", f"{text}, ends in {span(left)}", f"get a new one, then: guru login {url}")
    return _fine("token", f"{text}, ends in {span(left)}")


def _versions(who: WhoAmI) -> Diagnosis:
    if who["server_version"].split(".")[:2] == VERSION.split(".")[:2]:
        return _fine("versions", f"guru {VERSION}, server {who['server_version']}")
    return _bad("versions", f"guru {VERSION}, server {who['server_version']}",
                "bring the older one up to date: the server first")


def _fine(name: str, message: str) -> Diagnosis:
    return {"name": name, "ok": True, "message": message, "fix": ""}


def _bad(name: str, message: str, fix: str) -> Diagnosis:
    return {"name": name, "ok": False, "message": message, "fix": fix}


def _wrong(name: str, error: GuruError) -> Diagnosis:
    return _bad(name, error.message, error.hint)
