"""What a verb gets: options, surroundings, a door out and a way to the server. It decides nothing itself."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

from guru_policy.errors import NotSignedIn
from gurucli import human
from gurucli.environment import Environment
from gurucli.flags import Options
from gurucli.out import Form, Out, parse_form
from gurucli.surface import make_paper

if TYPE_CHECKING:
    from gurucli.client import Client
    from gurucli.contexts import Context

TIMEOUT = 30.0                          # seconds for one answer


class Cli:
    """One run of the program."""

    def __init__(self, environment: Environment, options: Options, out: Out,
                 reports: tuple[str, ...] = ()) -> None:
        self.environment, self.options, self.out = environment, options, out
        self.reports = reports          # -o KIND=FILE, for the verbs that write reports

    @cached_property
    def context(self) -> Context:
        """The server to talk to; NotSignedIn when none is chosen."""
        from gurucli.contexts import choose

        return choose(self.environment, self.options.context)

    @cached_property
    def server(self) -> Client:
        """The signed-in client; NotSignedIn without a token."""
        if not self.context.signed_in:
            raise NotSignedIn(f"not signed in at {self.context.url}", hint=f"guru login {self.context.url}")
        return self.client(self.context)

    def client(self, context: Context) -> Client:
        """A client for this context, with this run's timeout and trace."""
        from gurucli.client import Client

        signed = None
        if context.session:
            from gurucli.contexts import store_of
            from gurucli.signed import Signed

            signed = Signed(store_of(self.environment, context))
        return Client(
            context.url, context.token, ca=context.ca, timeout=self.timeout, trace=self.trace,
            ticket=self.options.ticket, signed=signed,
        )

    @property
    def timeout(self) -> float:
        """Seconds that one answer may take."""
        return human.seconds(self.options.timeout) if self.options.timeout else TIMEOUT

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked."""
        return self.environment.stdin_terminal and self.environment.stderr_terminal and not self.options.no_input

    def trace(self, line: str) -> None:
        """A line of the HTTP trace, with -v."""
        if self.options.verbose:
            self.out.say(line)

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def close(self) -> None:
        """End the connection, if there is one."""
        if "server" in self.__dict__:
            self.server.close()


def make_out(environment: Environment, options: Options, stdout: TextIO, stderr: TextIO) -> Out:
    """The door out as the options want it; UsageWrong for a format that does not exist."""
    forms = [text for text in options.output if not is_report(text)]
    return Out(
        stdout, stderr, form=parse_form(forms[-1]) if forms else Form(),
        paper=make_paper(environment, options, stdout, environment.stdout_terminal),
        side=make_paper(environment, options, stderr, environment.stderr_terminal),
        terminal=environment.stdout_terminal,
        fields=[name.strip() for name in options.fields.split(",") if name.strip()],
        quiet=options.quiet,
    )


def is_report(text: str) -> bool:
    """Whether a value of -o names a report file (`junit=report.xml`) instead of a format."""
    kind, equals, _ = text.partition("=")
    return bool(equals) and kind in ("junit", "sarif", "github", "gitlab", "markdown")

