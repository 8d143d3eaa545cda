"""`guru login`: checks the server's authority against a pin before anything secret is said, then keeps a
context.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from guru_policy.errors import GuruError, Unsupported, Untrusted, UsageWrong
from gurucli import contexts
from gurucli.answers import Trust, WhoAmI
from gurucli.asking import agree, ask_secret
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import API, shaped
from gurucli.commands.session.columns import COLUMNS, told
from gurucli.contexts import Context
from gurucli.entering import browsed, coded, entered
from gurucli.federated import exchanged
from gurucli.sheet import record
from gurucli.transport import Wire, fingerprint, split_url, trusting_nobody

__all__ = ["COLUMNS", "EXAMPLES", "run"]

MAX_TOKEN = 1 << 16
EXAMPLES = (
    ("guru login https://guru.example.com --pin sha256:1f0c...", "with the pin that guru-server printed"),
    ("guru login guru.example.com --context prod", "look at the fingerprint, keep it as prod"),
    ("guru login URL --pin PIN --user ada", "asks for her password, and for a code when she has a second factor"),
    ("guru login URL --pin PIN --passkey", "in the browser, by a passkey"),
    ("guru login URL --pin PIN --sso", "in the browser, by your organisation's identity provider"),
    ("guru login URL --pin PIN --token-file token.txt --no-input", "in a script"),
    ("guru login --ci URL", "in a CI job, by its platform's own token: nothing is stored"),
)


class Ways(NamedTuple):
    """How somebody wants to sign in."""

    user: str
    code: str
    token_file: str
    account: str
    audience: str
    invitation: bool
    passkey: bool
    sso: bool
    device: bool
    provider: str
    ci: bool

    def check(self) -> None:
        """UsageWrong for options that do not go together."""
        if (self.code or self.invitation) and not self.user:
            raise UsageWrong("--code and --invitation go with --user", hint="guru login URL --user NAME")
        if (self.account or self.audience) and not self.ci:
            raise UsageWrong("--account and --audience go with --ci", hint="guru login --ci URL")
        if self.provider and not self.sso:
            raise UsageWrong("--provider goes with --sso", hint="guru login URL --sso --provider NAME")
        if sum(map(bool, (self.user, self.passkey, self.sso, self.device, self.ci, self.token_file))) > 1:
            raise UsageWrong("one way of signing in at a time",
                             hint="--user, --passkey, --sso, --device, --ci or --token-file")

    def enter(self, cli: Cli, context: Context) -> Context:
        """The context, signed in."""
        if self.ci:
            job = exchanged(cli, context.url, context.ca, self.account, self.audience or context.url)
            return replace(context, token=job)
        if self.user:
            return entered(cli, context, self.user, self.code, invited=self.invitation)
        if self.passkey:
            return browsed(cli, context, "passkey")
        if self.sso:
            return browsed(cli, context, "sso", self.provider)
        if self.device:
            return coded(cli, context)
        return replace(context, token=_token(cli, self.token_file))


def run(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="The server's https address.", show_default=False)],
    pin: Annotated[str, typer.Option(
        "--pin", metavar="sha256:HEX",
        help="The fingerprint of the server's authority, as `guru-server` prints it. "
        "Without it you are asked.", show_default=False)] = "",
    token_file: Annotated[str, typer.Option(
        "--token-file", metavar="FILE",
        help="Read the token from a file; - is stdin. Without it: GURU_TOKEN, or a "
        "question without echo.", show_default=False)] = "",
    user: Annotated[str, typer.Option(
        "--user", metavar="NAME", help="Sign in by name and password, and keep a session.", show_default=False)] = "",
    code: Annotated[str, typer.Option(
        "--code", metavar="CODE", help="With --user: of your second factor; asked for without it.",
        show_default=False)] = "",
    invitation: Annotated[bool, typer.Option(
        "--invitation", help="With --user: set the password by an invitation first.", show_default=False)] = False,
    passkey: Annotated[bool, typer.Option("--passkey", help="Sign in by a passkey.", show_default=False)] = False,
    sso: Annotated[bool, typer.Option(
        "--sso", help="Sign in at your organisation's identity provider.", show_default=False)] = False,
    provider: Annotated[str, typer.Option(
        "--provider", metavar="NAME", help="With --sso: the IdentityProvider, when there are several.",
        show_default=False)] = "",
    device: Annotated[bool, typer.Option(
        "--device", help="For a shell without a browser: sign in by a code.", show_default=False)] = False,
    ci: Annotated[bool, typer.Option(
        "--ci", help="Sign in as a service account, by the OIDC token of this CI job.", show_default=False)] = False,
    account: Annotated[str, typer.Option(
        "--account", metavar="NAME", help="With --ci: the service account, when several trust the job.",
        show_default=False)] = "",
    audience: Annotated[str, typer.Option(
        "--audience", metavar="TEXT", help="With --ci: what the job's token is made for; the server's address "
        "without it.", show_default=False)] = "",
) -> None:
    """Sign in at a server, and keep it as a context.

    The server's authority is fetched over a connection on which nothing secret is said, and compared with
    the pin. Only then anything secret is read and sent. With --user that is a password, read without echo or from
    standard input; with --passkey and --sso nothing is: your browser opens a page of the server. Else it is a token.
    `--context NAME` names the context; without it the host's name does, with a tenant's behind it.
    """
    cli: Cli = ctx.obj
    ways = Ways(user, code, token_file, account, audience, invitation, passkey, sso, device, provider, ci)
    ways.check()
    parts = split_url(url)
    address = f"https://{parts.netloc}{parts.path.rstrip('/')}"
    config = contexts.load(cli.environment.config)
    vouched = pin or cli.environment.ca_file or not ci      # a job asks nobody: else the system's roots vouch
    ca = _authority(cli, address, pin, config) if vouched else ""
    place = "-".join(filter(None, (parts.hostname, parts.path.rpartition("/")[2])))    # with a tenant's door
    name = cli.options.context or place or "server"
    context = ways.enter(cli, Context(name, address, "", ca))
    with cli.client(context) as client:
        who = client.get(WhoAmI, "/whoami")
    contexts.save(cli.environment.config, config.with_context(context))
    document = {**who, "url": address, "context": name}
    cli.out.result(record(document, COLUMNS, lambda paper: told(document, paper)))
    if cli.environment.url:
        cli.out.note("GURU_URL is set, and goes before the context that was kept just now")


def _authority(cli: Cli, address: str, pin: str, config: contexts.Config) -> str:
    """The authority's PEM, as the pin or a person vouches for it."""
    if cli.environment.ca_file and not pin:
        return contexts.read_ca(cli.environment.ca_file)
    wanted = _normal(pin) if pin else ""
    ca = _fetch(cli, address)
    seen = fingerprint(ca)
    if wanted:
        if seen != wanted:
            raise Untrusted(f"{address} shows the authority {seen}, not the one of the pin",
                            hint="compare with what `guru-server` printed; somebody may be in between")
        return ca
    if any(known.url == address and known.ca and fingerprint(known.ca) == seen
           for known in config.contexts.values()):
        return ca
    if not cli.interactive:
        raise UsageWrong("the server's authority must be vouched for",
                         hint=f"compare {seen} with what `guru-server` printed, then: --pin {seen}")
    cli.out.say(f"{address} shows the authority\n  {seen}")
    if not agree(cli, "Is that what `guru-server` printed?"):
        raise GuruError("not signed in: the fingerprint was not vouched for")
    return ca


def _fetch(cli: Cli, address: str) -> str:
    wire = Wire(address, trusting_nobody(), cli.timeout)
    try:
        cli.trace(f"> GET {address}{API}/trust  (nothing secret is said, nothing is believed yet)")
        reply = wire.send("GET", f"{API}/trust", {"Accept": "application/json", "User-Agent": "guru"}, None)
    finally:
        wire.close()
    hint = "is that the address of a guru server?"
    if reply.status != 200:
        raise Unsupported(f"{address} answered {reply.status} to GET {API}/trust", hint=hint)
    try:
        return shaped(Trust, json.loads(reply.body))["ca"]
    except ValueError as cause:
        raise Unsupported(f"{address} answered something that is not JSON", hint=hint) from cause


def _normal(pin: str) -> str:
    digits = pin.strip().lower().removeprefix("sha256:").replace(":", "")
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise UsageWrong(f"{pin!r} is not a pin", hint="it is sha256: and 64 hexadecimal digits")
    return "sha256:" + digits


def _token(cli: Cli, file: str) -> str:
    if file == "-" or (not file and not cli.environment.token and not cli.environment.stdin_terminal):
        token = sys.stdin.read(MAX_TOKEN).strip()
    elif file:
        try:
            with Path(file).open(encoding="utf-8") as opened:
                token = opened.read(MAX_TOKEN).strip()
        except (OSError, ValueError) as cause:
            raise UsageWrong(f"{clean(file)} cannot be read as a token") from cause
    else:
        token = cli.environment.token or ask_secret(cli, "Token:")
    if not token:
        raise UsageWrong("no token was given",
                         hint="`guru-server` prints one; give it with --token-file or GURU_TOKEN")
    return token
