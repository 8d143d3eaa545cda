"""Arguments and options that several verbs share, spelt the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from guru_policy.errors import UsageWrong

DeviceRef = Annotated[str, typer.Argument(
    metavar="DEVICE", help="A name, customer/site/name, or an id.", show_default=False)]
SelectorOption = Annotated[str, typer.Option(
    "-l", "--selector", metavar="SELECTOR", show_default=False,
    help="Which devices, such as customer=acme,os=linux or @acme/hq or ram_gb>=16.")]
LimitOption = Annotated[int, typer.Option(
    "--limit", metavar="N", min=0, show_default=False, help="At most this many rows; all without it.")]
YesOption = Annotated[bool, typer.Option(
    "--yes", "-y", help="Do not ask. With a selector it needs --max-devices.", show_default=False)]
MaxDevicesOption = Annotated[int, typer.Option(
    "--max-devices", metavar="N", min=0, show_default=False,
    help="Refuse when more devices than this would change.")]
PathArgument = Annotated[str, typer.Argument(
    metavar="PATH", show_default=False,
    help="The folder of the fleet repository; without it the repository around the current folder.")]

SinceOption = Annotated[str, typer.Option(
    "--since", metavar="REV", help="Leave out the faults that this commit has already.", show_default=False)]
FolderOption = Annotated[str, typer.Option(
    "--repo", metavar="DIR", show_default=False,
    help="The folder of the fleet repository; without it the one around here.")]
IdentityOption = Annotated[str, typer.Option(
    "--identity", metavar="FILE", show_default=False,
    help="Your age identity; else GURU_AGE_IDENTITY, else age.key beside guru's configuration.")]
ScopeOption = Annotated[str, typer.Option(
    "--scope", metavar="SCOPE", help="Only Secrets of this scope: org, or customers/NAME.", show_default=False)]
SecretOption = Annotated[list[str] | None, typer.Option(
    "--secret", metavar="NAME", help="Only this Secret; may be given often.", show_default=False)]
OfflineOption = Annotated[bool, typer.Option(
    "--offline", help="Do not ask the server for its key.", show_default=False)]

CodeOption = Annotated[str, typer.Option(
    "--code", metavar="CODE", help="Of your authenticator, or a recovery code.", show_default=False)]
ReasonOption = Annotated[str, typer.Option(
    "--reason", metavar="TEXT", help="Why, for the audit log.", show_default=False)]
ApprovalRef = Annotated[str, typer.Argument(
    metavar="ID", help="As `guru approval list` shows it.", show_default=False)]


def one_of(option: str, word: str, allowed: Sequence[str]) -> None:
    """UsageWrong with the nearest word when `word` is none of those that an option takes."""
    if word not in allowed:
        from difflib import get_close_matches

        near = get_close_matches(word.lower(), [one.lower() for one in allowed], 1)
        meant = next((one for one in allowed if near and one.lower() == near[0]), "")
        said = f"{option} {word!r} is not {', '.join(allowed[:-1])} or {allowed[-1]}"
        raise UsageWrong(said, hint=f"did you mean {meant}?" if meant else "")
