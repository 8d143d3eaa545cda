"""`guru-server`: the command line, turned into settings and one call. It decides nothing itself."""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from guru_policy.errors import GuruError, InputInvalid, PolicyInvalid
from guru_server.collecting import uncollected
from guru_server.store.first import TENANT
from guru_server.tenants.naming import Named

if TYPE_CHECKING:
    from guru_server.setting_parts import LogSettings
    from guru_server.settings import ServerSettings

_TTL = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and end with its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        _run(arguments)
    except GuruError as error:
        sys.stderr.write(f"error[{error.code}]: {error.message}\n")
        for fault in error.faults if isinstance(error, PolicyInvalid) else ():
            sys.stderr.write(f"  {fault}\n")
        if error.hint:
            sys.stderr.write(f"hint: {error.hint}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)


def _run(arguments: argparse.Namespace) -> None:
    from guru_server.settings import load

    flags = {
        name: value
        for name, value in (
            ("data", arguments.data), ("listen", arguments.listen), ("url", arguments.url),
            ("database", arguments.database),
        )
        if value is not None
    }
    settings = load(arguments.config, flags)
    _log(settings.log)
    if getattr(arguments, "tenant", None):
        from guru_server import tenant_commands

        tenant_commands.known(settings, arguments.tenant)
        settings = settings.of(arguments.tenant)
    _dispatch(arguments, settings)


def _dispatch(arguments: argparse.Namespace, settings: ServerSettings) -> None:
    with uncollected():
        from guru_server import commands, tenant_parsing
        from guru_server.identity.people import Limits, Role

    match arguments.command, getattr(arguments, "verb", None):
        case "init", _:
            commands.init(settings, arguments.admin)
        case "serve", _:
            commands.serve(settings)
        case "gateway", _:
            commands.gateway(settings)
        case "migrate", _:
            commands.migrate_database(settings)
        case "recipient", _:
            commands.recipient(settings)
        case "openapi", _:
            commands.openapi(settings)
        case "admin", "create":
            commands.create_admin(settings, arguments.name)
        case "keys" | "signer", _:
            _dispatch_keys(arguments, settings)
        case "tenant", _:
            tenant_parsing.dispatch(arguments, settings)
        case "token", "create":
            role: Role = "" if arguments.role == "bindings" else arguments.role
            commands.create_token(settings, arguments.name, role, _seconds(arguments.ttl), arguments.key, Limits(
                tuple(arguments.verb_allowed), arguments.scope, tuple(arguments.address)
            ))
        case "token", "list":
            commands.list_tokens(settings)
        case _:
            commands.revoke_token(settings, arguments.id)


def _dispatch_keys(arguments: argparse.Namespace, settings: ServerSettings) -> None:
    from guru_server import keyring_commands

    match arguments.command, arguments.verb:
        case "signer", None:
            keyring_commands.run_signer(settings)
        case "signer", "release":
            kind = "commands" if arguments.commands else "states"
            devices = arguments.commands or arguments.states
            keyring_commands.release(settings, kind, devices, _seconds(arguments.lasting) or 0, arguments.reason)
        case "signer", _:
            keyring_commands.signer_status(settings)
        case _, "list":
            keyring_commands.list_keys(settings)
        case _, "status":
            keyring_commands.key_status(settings)
        case _, "seal":
            keyring_commands.seal(settings)
        case _, "unseal":
            keyring_commands.unseal(settings)
        case _, "vouch":
            keyring_commands.vouch(settings)
        case _:
            keyring_commands.rotate(settings, arguments.name)


def _parser() -> argparse.ArgumentParser:
    from guru_server import tenant_parsing

    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", type=Path, help="YAML file; /etc/guru/server.yaml when it exists")
    shared.add_argument("--data", help="folder of keys, database and mirror")
    shared.add_argument("--listen", help="host:port, 0.0.0.0:8443")
    shared.add_argument("--url", help="what agents and people dial, https://host:port")
    shared.add_argument("--database", help="sqlite:////path or postgresql://user@host/name")
    owned = argparse.ArgumentParser(add_help=False, parents=[shared])
    owned.add_argument("--tenant", help="of this tenant, when it is not the first one")
    parser = argparse.ArgumentParser(prog="guru-server", description="The GuruRMM server.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    init = commands.add_parser("init", parents=[shared], help="make keys, database and the first token")
    init.add_argument("--admin", default="admin", help="whose the first token is")
    commands.add_parser("serve", parents=[shared], help="run the server")
    commands.add_parser("gateway", parents=[shared], help="run only the agents' links (PostgreSQL)")
    commands.add_parser("migrate", parents=[shared], help="bring the database's tables up to date")
    commands.add_parser("openapi", parents=[shared], help="print the API's OpenAPI document")
    commands.add_parser("recipient", parents=[owned], help="print the age public key that secrets are encrypted for")
    admins = commands.add_parser("admin", help="people with all rights").add_subparsers(
        dest="verb", required=True, metavar="VERB")
    admins.add_parser("create", parents=[owned], help="invite one, or one anew who cannot get in").add_argument("name")
    verbs = commands.add_parser("token", help="tokens of people").add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    create = verbs.add_parser("create", parents=[owned], help="make a token, shown once")
    create.add_argument("name")
    create.add_argument("--role", choices=("admin", "operator", "viewer", "bindings"), default="operator",
                        help="a fixed role, or what the repository's bindings give to the name")
    create.add_argument("--key", action="store_true", help="an API key: for a program, key:NAME in bindings")
    create.add_argument("--verb", action="append", default=[], dest="verb_allowed", metavar="VERB",
                        help="for this only, as device.read; repeatable")
    create.add_argument("--scope", default="org", help="for this only, as customers/acme")
    create.add_argument("--address", action="append", default=[], help="good from this address or network; repeatable")
    create.add_argument("--ttl", help="how long it is good, as 90d or 12h; without end when absent")
    verbs.add_parser("list", parents=[owned], help="every token, without its secret")
    verbs.add_parser("revoke", parents=[owned], help="end a token").add_argument("id")
    _add_keys(commands, owned)
    tenant_parsing.add(commands, shared)
    return parser


def _add_keys(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    signer = commands.add_parser("signer", parents=[shared], help="run the signer by itself, or release its brake")
    verbs = signer.add_subparsers(dest="verb", metavar="VERB")
    release = verbs.add_parser("release", parents=[shared], help="let more devices be signed for, for a while")
    which = release.add_mutually_exclusive_group(required=True)
    which.add_argument("--commands", type=int, metavar="DEVICES", help="more devices that orders go to")
    which.add_argument("--states", type=int, metavar="DEVICES", help="more devices that get a new state")
    release.add_argument("--for", dest="lasting", required=True, help="how long, as 30m; 24h at most")
    release.add_argument("--reason", required=True, help="why, for the signer's file")
    verbs.add_parser("status", parents=[shared], help="what was signed within an hour, and what may be")
    keys = commands.add_parser("keys", help="the keys of this server").add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    for verb, told in (
        ("list", "every key with its age in days"), ("status", "the same, and what that means"),
        ("seal", "encrypt the key files"), ("unseal", "write the key files in the clear"),
        ("vouch", "have the state key name this link key and authority"),
    ):
        keys.add_parser(verb, parents=[shared], help=told)
    rotate = keys.add_parser("rotate", parents=[shared], help="replace a key by a new one, while the server is stopped")
    rotate.add_argument("name", choices=("state", "command", "link", "audit", "ca", "tls", "age"))


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    found = _TTL.fullmatch(text)
    if not found or not int(found[1]):
        raise InputInvalid(f"{text[:20]!r} is no length of time", hint="write 12h or 90d")
    return int(found[1]) * _UNITS[found[2]]


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record with its time, level, logger and text."""
        line = {
            "at": int(record.created * 1000), "level": record.levelname.lower(), "logger": record.name,
            "tenant": getattr(record, "tenant", TENANT),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _log(settings: LogSettings) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Named())
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if settings.format == "json" else plain)
    logging.basicConfig(handlers=[handler], level=settings.level.upper(), force=True)
    for name in ("uvicorn", "uvicorn.error", "httpx", "httpcore", "websockets", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


if __name__ == "__main__":
    main()
