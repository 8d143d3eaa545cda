"""guru-agent: reads what it was given, calls one verb, turns errors into exit codes. It decides nothing."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from guru_agent import commands
from guru_agent.halves.frames import SOCKET
from guru_agent.logs import configure, plain
from guru_agent.systemd import Notifier
from guru_policy.errors import GuruError

if TYPE_CHECKING:
    from guru_agent.settings import Settings

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (DESIGN section 8)."""
    arguments = _parser().parse_args(argv)
    os.umask(0o022)         # what is made on the machine does not depend on the shell; private files name their mode
    try:
        if arguments.verb == "network":
            configure(arguments.log_format or "text", arguments.log_level or "info")
            commands.network(arguments.socket, _notifier())
        from guru_agent.settings import load_settings  # with its models, which the half that carries has not

        settings = load_settings(arguments.config, {
            "state": arguments.state, "root": arguments.root,
            "keys": getattr(arguments, "keys", None),
            "log_format": arguments.log_format, "log_level": arguments.log_level,
        })
        configure(settings.log_format, settings.log_level)
        return _call(arguments, settings)
    except GuruError as error:
        _tell(error, as_json=getattr(arguments, "output", "") == "json")
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED


def _call(arguments: argparse.Namespace, settings: Settings) -> int:
    match arguments.verb:
        case "enroll":
            return commands.enroll(
                settings, arguments.token, arguments.token_file, arguments.name, force=arguments.force
            )
        case "seal":
            return commands.seal(settings)
        case "install":
            return commands.install(together=arguments.together)
        case "run":
            return commands.run(settings, _notifier())
        case "executor":
            return commands.run(settings, _notifier(), halves=True)
        case "status":
            return commands.status(settings, arguments.output)
        case "query":
            return commands.query(settings, arguments.sql, arguments.output, arguments.rows, arguments.timeout)
        case "tables":
            return commands.tables(arguments.table)
        case "verify":
            return commands.verify(arguments.output)
        case "converge":
            return commands.converge(settings)
        case _:
            return commands.version()


def _notifier() -> Notifier:
    address = os.environ.get("NOTIFY_SOCKET", "")
    usec = os.environ.get("WATCHDOG_USEC", "")
    return Notifier(address, int(usec) / 1e6 if usec.isdigit() else 0.0)


def _tell(error: GuruError, *, as_json: bool) -> None:
    if as_json:
        body = {"code": error.code, "message": error.message, "hint": error.hint, "exitCode": error.exit_code}
        sys.stderr.write(json.dumps({"apiVersion": "guru/v1", "error": body}) + "\n")
        return
    sys.stderr.write(f"error[{error.code}]: {plain(error.message)}\n")
    if error.hint:
        sys.stderr.write(f"hint: {plain(error.hint)}\n")


def _parser() -> argparse.ArgumentParser:
    logs = argparse.ArgumentParser(add_help=False)
    logs.add_argument("--log-format", choices=["text", "json"], help="of lines on standard error")
    logs.add_argument("--log-level", choices=["debug", "info", "warning", "error"])
    common = argparse.ArgumentParser(add_help=False, parents=[logs])
    common.add_argument("--config", type=Path, metavar="FILE", help="settings; else /etc/guru/agent.yaml")
    common.add_argument("--state", type=Path, metavar="DIR", help="state folder; else /var/lib/guru-agent")
    common.add_argument("--root", type=Path, metavar="DIR", help="a sandbox in front of every path")
    parser = argparse.ArgumentParser(prog="guru-agent", description="Reconciles one device to Git.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    enroll = verbs.add_parser("enroll", parents=[common], help="join a server with a token")
    enroll.add_argument(
        "token", nargs="?", metavar="TOKEN",
        help="the token, or - for standard input; on the command line others can see it in ps",
    )
    enroll.add_argument("--token-file", type=Path, metavar="FILE", help="a file that holds the token")
    enroll.add_argument("--name", help="this device's name, its host name by default")
    enroll.add_argument("--force", action="store_true", help="enrol anew, with a new key")
    enroll.add_argument(
        "--keys", choices=["auto", "tpm", "file"],
        help="where the device key goes: sealed by the TPM, or in a file; auto, the default, takes a TPM that works",
    )
    verbs.add_parser("seal", parents=[common], help="have the TPM seal the key of an enrolled device")
    install = verbs.add_parser("install", parents=[common], help="make it a service of systemd, in two halves")
    install.add_argument("--together", action="store_true", help="one process, as root, that decides and carries")
    verbs.add_parser("run", parents=[common], help="run both halves in one process, in the foreground")
    verbs.add_parser("executor", parents=[common], help="run the half that decides, without any network")
    network = verbs.add_parser("network", parents=[logs], help="run the half that carries, without any rights")
    network.add_argument("--socket", type=Path, metavar="FILE", default=SOCKET, help=f"else {SOCKET}")
    status = verbs.add_parser("status", parents=[common], help="how this agent stands")
    status.add_argument("-o", "--output", choices=["table", "json"], default="table")
    converge = verbs.add_parser("converge", parents=[common], help="converge from the last state, offline")
    converge.add_argument("--once", action="store_true", required=True, help="one run, then end")
    query = verbs.add_parser("query", parents=[common], help="ask this device in SQL; it only looks")
    query.add_argument("sql", metavar="SQL", help="one SELECT; `guru-agent tables` lists what there is")
    query.add_argument("-o", "--output", choices=["table", "json"], default="table")
    query.add_argument("--rows", type=int, default=10_000, metavar="N", help="at most so many rows")
    query.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="then it is ended")
    tables = verbs.add_parser("tables", parents=[common], help="the tables that queries can read")
    tables.add_argument("table", nargs="?", metavar="TABLE", help="its columns")
    verify = verbs.add_parser("verify", parents=[common], help="compare its files with what was installed")
    verify.add_argument("-o", "--output", choices=["table", "json"], default="table")
    verbs.add_parser("version", parents=[common], help="print the version")
    return parser


if __name__ == "__main__":
    sys.exit(main())
