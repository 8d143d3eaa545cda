"""Questions to a person: a yes that grows with the number of devices, and secrets without echo."""

from __future__ import annotations

import sys

from guru_policy.errors import GuruError, NotFound, Refused, UsageWrong
from gurucli.answers import Page
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.human import plural

TYPE_FROM = 11                          # from this many devices on, the count itself must be typed
MAX_ANSWER = 4096


def ask(cli: Cli, question: str) -> str:
    """The answer to a question, stripped; UsageWrong when nobody can be asked."""
    if not cli.interactive:
        raise UsageWrong(f"nobody can be asked: {question}", hint="give the answer as an option; see --help")
    cli.out.write_side(clean(question) + " ")
    answer = sys.stdin.readline(MAX_ANSWER)
    if not answer.endswith("\n"):
        cli.out.write_side("\n")        # Ctrl-D leaves the cursor behind the question
    return answer.strip()


def ask_secret(cli: Cli, question: str) -> str:
    """The answer, read without echo."""
    if not cli.interactive:
        raise UsageWrong(f"nobody can be asked: {question}", hint="give it in a file or in the environment")
    from getpass import getpass

    try:
        return getpass(clean(question) + " ", stream=sys.stderr).strip()
    except EOFError as cause:
        raise UsageWrong("no answer came") from cause


def agree(cli: Cli, question: str) -> bool:
    """Whether the answer is yes; anything but y or yes is no."""
    return ask(cli, f"{question} [y/N]").lower() in ("y", "yes")


def confirmed(cli: Cli, selector: str, deed: str, *, yes: bool, most: int) -> int:
    """How many devices the selector matches, once `confirm` let the deed through. NotFound when none does."""
    count = cli.server.get(Page, "/devices", selector=selector, limit=1)["total"]
    if not count:
        raise NotFound(f"no device matches {selector}", hint="`guru device list -l ...` tries a selector out")
    confirm(cli, deed, count, yes=yes, most=most)
    return count


def confirm(cli: Cli, deed: str, count: int, *, yes: bool, most: int, named: str = "") -> None:
    """Let a deed on `count` devices through, or raise.

    `most` is --max-devices (0: not given); `named` is the one device when it was named itself.
    Refused when more than `most` would change; UsageWrong when a yes is missing and nobody can be asked.
    """
    what = named or plural(count, "device")
    if most and count > most:
        raise Refused(f"that would {deed} {what}, and --max-devices allows {most}",
                      hint="narrow the selector down, or raise --max-devices")
    if yes:
        if not most and not named:
            raise UsageWrong("--yes needs --max-devices together with a selector",
                             hint=f"the selector matches {what} now: --yes --max-devices {count}")
        return
    if not cli.interactive:
        raise UsageWrong(f"this would {deed} {what} and needs a yes",
                         hint="--yes" if named else f"--yes --max-devices {count}")
    question = f"This will {deed} {what} at {cli.context.name}."
    if count < TYPE_FROM:
        agreed = agree(cli, f"{question} Go on?")
    else:
        agreed = ask(cli, f"{question} Type {count} to go on:") == str(count)
    if not agreed:
        raise GuruError("nothing was changed: the answer was not yes")
