"""The words of `guru-server tenant`, and which call each one is. It imports nothing before one is chosen."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guru_server.settings import ServerSettings

QUOTAS = (
    ("devices", "devices"), ("people", "people with an account"), ("keys", "API keys"), ("jobs", "jobs an hour"),
    ("output", "bytes of what jobs printed"),
)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """The verbs and their options."""
    verbs = commands.add_parser("tenant", help="the MSPs that this server serves").add_subparsers(
        dest="verb", required=True, metavar="VERB")
    verbs.add_parser("list", parents=[shared], help="every tenant with its state and repository")
    for verb, told in (
        ("create", "make one, with keys of its own"), ("show", "what is known of one"),
        ("set", "change what one may have"), ("suspend", "close its door; everything stays"),
        ("resume", "open its door again"), ("export", "write everything of one into a file"),
        ("delete", "remove one for ever"),
    ):
        one = verbs.add_parser(verb, parents=[shared], help=told)
        one.add_argument("name")
        if verb in ("create", "set"):
            for name, what in QUOTAS:
                one.add_argument(f"--{name}", type=int, metavar="MOST", help=f"{what}, at most")
        if verb == "export":
            one.add_argument("--out", type=Path, required=True, metavar="FILE", help="a tar archive, made or replaced")
        if verb == "delete":
            one.add_argument("--yes", action="store_true", help="nobody is asked")


def dispatch(arguments: argparse.Namespace, settings: ServerSettings) -> None:
    """Run one."""
    from pydantic import ValidationError

    from guru_policy.errors import InputInvalid
    from guru_server import tenant_commands
    from guru_server.tenants.quotas import Quotas

    def quotas() -> Quotas:
        try:
            return Quotas.model_validate({name: getattr(arguments, name) for name, _ in QUOTAS})
        except ValidationError as cause:
            raise InputInvalid("a quota is a number, 0 or more", hint="guru-server tenant set --help") from cause

    match arguments.verb:
        case "list":
            tenant_commands.listed(settings)
        case "create":
            tenant_commands.create(settings, arguments.name, quotas())
        case "show":
            tenant_commands.show(settings, arguments.name)
        case "set":
            tenant_commands.allow(settings, arguments.name, quotas())
        case "suspend":
            tenant_commands.put(settings, arguments.name, "suspended")
        case "resume":
            tenant_commands.put(settings, arguments.name, "active")
        case "export":
            tenant_commands.export(settings, arguments.name, arguments.out)
        case _:
            tenant_commands.delete(settings, arguments.name, arguments.yes)
