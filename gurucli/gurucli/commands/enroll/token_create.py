"""`guru enroll token create`: the one time a token's text is shown; it is never written anywhere by us."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers import EnrolTokenCreated
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.human import plural, seconds, span
from gurucli.paper import Paper
from gurucli.sheet import Column, Sheet

COLUMNS = (
    Column("token", keep=True), Column("row.id", "ID"), Column("row.customer"), Column("row.site"),
    Column("row.uses"), Column("row.expires_at", "EXPIRES", time=True),
)
EXAMPLES = (
    ("guru enroll token create --customer acme --site hq", "one device, within a day"),
    ("guru enroll token create --customer acme --site hq --uses 25 --ttl 7d", "a roll-out"),
    ("guru enroll token create --customer acme --site hq --ring canary --address 203.0.113.0/24",
     "who comes from elsewhere waits"),
    ("guru enroll token create --customer acme --site hq -o jsonpath=.token",
     "the token alone, for a script"),
)


def run(
    ctx: typer.Context,
    customer: Annotated[str,
                        typer.Option("--customer", metavar="NAME", help="Whose devices.",
                                     show_default=False)],
    site: Annotated[str, typer.Option("--site", metavar="NAME", help="At which site.", show_default=False)],
    uses: Annotated[int, typer.Option("--uses", metavar="N", min=1, help="How many devices may join.")] = 1,
    ttl: Annotated[str,
                   typer.Option("--ttl", metavar="TIME",
                                help="How long it is good, such as 12h or 7d.")] = "24h",
    ring: Annotated[str, typer.Option(
        "--ring", metavar="NAME", help="The ring of its devices: their label op/ring.", show_default=False)] = "",
    label: Annotated[list[str] | None, typer.Option(
        "--label", metavar="KEY=VALUE", help="A label in op/ for its devices; repeatable.", show_default=False)] = None,
    address: Annotated[list[str] | None, typer.Option(
        "--address", metavar="NETWORK", help="Who comes from elsewhere has to wait; repeatable.",
        show_default=False)] = None,
    approve: Annotated[bool, typer.Option(
        "--approve/--auto", help="Have every device wait until somebody lets it in.")] = False,
    sealed: Annotated[bool, typer.Option(
        "--sealed", help="Refuse a device that does not say that a TPM seals its key.")] = False,
) -> None:
    """Make a token with which devices join.

    The token says where a device belongs, and carries the pins by which the device knows the server. It is
    shown once. A device that looks odd waits until `guru enroll pending approve`, whatever the token says.
    """
    cli: Cli = ctx.obj
    made = cli.server.post(EnrolTokenCreated, "/enrolment-tokens", {
        "customer": customer, "site": site, "uses": uses, "ttl": int(seconds(ttl)), "ring": ring,
        "labels": labels(label or []), "addresses": address or [], "approve": approve,
        "sealed": sealed})
    cli.out.result(Sheet([made], COLUMNS, document=made, draw=lambda paper: _page(made, paper), name="token"))


def labels(words: list[str]) -> dict[str, str]:
    """KEY=VALUE words as a map; UsageWrong for what is none."""
    wrong = next((word for word in words if "=" not in word), None)
    if wrong is not None:
        raise UsageWrong(f"{wrong!r} is no label", hint="write --label role=desk")
    return dict(word.split("=", 1) for word in words)


def _page(made: EnrolTokenCreated, paper: Paper) -> Iterator[str]:
    row = made["row"]
    left = span(row["expires_at"] / 1000 - paper.now)
    yield clean(made["token"])
    yield ""
    yield paper.paint(clean(f"for {plural(row['uses'], 'device')} at {row['customer']}/{row['site']}, "
                            f"good for {left}; shown this once"), "dim")
    yield paper.paint("on the device:  guru-agent enroll -    (and paste it)", "dim")
    yield paper.paint(clean(f"to end it:      guru enroll token revoke {row['id']}"), "dim")
