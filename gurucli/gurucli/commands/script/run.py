"""`guru script run`: a command template of the repository, with typed parameters, on one device or many."""

from __future__ import annotations

from typing import Annotated

import typer

from guru_policy.errors import UsageWrong
from gurucli.cli import Cli
from gurucli.job_telling import COLUMNS
from gurucli.ordering import BatchOption, DelayOption, ExpiresOption, MaxFailuresOption, NoWaitOption, order, pace
from gurucli.parameters import MaxDevicesOption, SelectorOption, YesOption

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru script run clear-temp web01 -p days=14", "on one device"),
    ("guru script run clear-temp -l os=linux --batch 10% --max-failures 3", "on many, a tenth at once"),
    ("guru script run clear-temp web01 --no-wait -o name", "only the id of the job"),
)


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The template's name.", show_default=False)],
    device: Annotated[str, typer.Argument(
        metavar="DEVICE", help="A device, unless -l is given.", show_default=False)] = "",
    params: Annotated[list[str] | None, typer.Option(
        "-p", "--param", metavar="KEY=VALUE", help="A parameter; repeat it.", show_default=False)] = None,
    selector: SelectorOption = "",
    expires: ExpiresOption = "1h",
    no_wait: NoWaitOption = False,
    batch: BatchOption = "",
    max_failures: MaxFailuresOption = 0,
    delay: DelayOption = "",
    yes: YesOption = False,
    max_devices: MaxDevicesOption = 0,
) -> None:
    """Run a command template of the repository.

    It runs as the revision in force has it: its shell, its account, its timeout. Parameters are checked against
    their types and reach the script as PARAM_<NAME>.
    """
    cli: Cli = ctx.obj
    if bool(device) == bool(selector):
        raise UsageWrong("name a device or a selector", hint=f"guru script run {name} web01, or -l SELECTOR")
    request = {"template": name, "params": _params(params or []), **pace(expires, batch, max_failures, delay)}
    order(cli, device, selector, request, deed=f"run the script {name} on", yes=yes, most=max_devices,
          wait=not no_wait)


def _params(words: list[str]) -> dict[str, str]:
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageWrong(f"{word!r} is no parameter", hint="write it like -p days=14")
        found[key] = value
    return found
