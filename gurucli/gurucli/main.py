"""`guru`: finds the verb, runs it, and turns every ending into an exit code. The one switch; it does no work.

Nothing heavy is imported here: `guru --help` needs the catalogue only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from guru_policy.errors import GuruError, UsageWrong
from gurucli.arguments import Asked, first_word, peek, sort, wants_field_names
from gurucli.catalogue import below, verb_at
from gurucli.environment import Environment, read_environment
from gurucli.exits import Exit
from gurucli.flags import Options

if TYPE_CHECKING:
    from gurucli.catalogue import Verb
    from gurucli.command import GuruCommand


def main() -> None:
    """The entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")        # a Latin-1 locale prints `?`, never a traceback
    sys.exit(guarded(sys.argv[1:]))


def guarded(argv: Sequence[str]) -> int:
    """Run, and answer Ctrl-C and a reader who left as a shell expects."""
    try:
        code = run(argv, read_environment(), sys.stdout, sys.stderr)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return Exit.interrupted
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())   # so that the last flush is quiet
        return Exit.broken_pipe
    return code


def run(argv: Sequence[str], environment: Environment, stdout: TextIO, stderr: TextIO) -> int:
    """One command line, to its exit code. KeyboardInterrupt and BrokenPipeError pass through."""
    options = peek(argv)
    try:
        first = first_word(argv)
        if first is None or (argv[first] != "help" and argv[first] in below(())):
            asked = sort(argv)
        else:
            from gurucli.foreign import asked_of, unaliased

            argv = unaliased(argv, environment)
            options = peek(argv)
            asked = asked_of(argv, environment)
        if asked.verb is None:
            return _help(asked, options, environment, stdout)
        return _verb(asked, environment, stdout, stderr)
    except GuruError as error:
        return _fail(error, options, environment, stdout, stderr)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - here and in _verb a bug becomes a sentence
        return _fail(_bug(error, options.verbose), options, environment, stdout, stderr)


def _help(asked: Asked, options: Options, environment: Environment, stdout: TextIO) -> int:
    from gurucli.helptext import group_help, root_help
    from gurucli.surface import make_paper

    paper = make_paper(environment, options, stdout, environment.stdout_terminal)
    stdout.write((group_help(asked.path, paper) if asked.path else root_help(paper, environment.path)) + "\n")
    return Exit.done


def _verb(asked: Asked, environment: Environment, stdout: TextIO, stderr: TextIO) -> int:
    """Parse the verb's arguments, give it its Cli, run it; errors of a running verb are told by its own Out.
    """
    from typer import Abort
    from typer import Exit as TyperExit
    from typer._click.exceptions import ClickException

    from gurucli import command as commands
    from gurucli.cli import Cli, is_report, make_out

    if asked.verb is None:
        raise UsageWrong("no command was given")
    module, command = commands.opened(asked.verb)
    command.paper = make_out(environment, peek(asked.rest), stdout, stderr).paper
    if wants_field_names(asked.rest):
        return _field_names(getattr(module, "COLUMNS", ()), stdout)
    try:
        with command.make_context(command.name, list(asked.rest)) as ctx:
            options = commands.options_from(ctx.params)
            commands.refuse_reports(module, options)
            out = make_out(environment, options, stdout, stderr)
            cli = ctx.obj = Cli(environment, options, out, tuple(o for o in options.output if is_report(o)))
            try:
                return int(command.invoke(ctx) or Exit.done)
            except GuruError as error:
                out.fail(error)
                return error.exit_code
            except (TyperExit, Abort, ClickException, BrokenPipeError):
                raise
            except Exception as error:  # noqa: BLE001 - as in run(), but told by the verb's own Out
                out.fail(_bug(error, options.verbose, asked.verb))
                return Exit.failure
            finally:
                cli.close()
    except TyperExit as ending:
        return ending.exit_code
    except Abort as cause:
        raise KeyboardInterrupt from cause
    except ClickException as cause:
        raise _usage(cause, command.name or "guru", _behind(command, asked.rest)) from cause


def _field_names(columns: Sequence[object], stdout: TextIO) -> int:
    for column in columns:
        stdout.write(f"{getattr(column, 'key', '')}\n")
    return Exit.done


def _fail(
    error: GuruError, options: Options, environment: Environment, stdout: TextIO, stderr: TextIO
) -> int:
    from gurucli.cli import make_out

    try:
        out = make_out(environment, options, stdout, stderr)
    except UsageWrong as worse:         # the format itself is wrong: tell that first
        out, error = make_out(environment, Options(), stdout, stderr), worse
    out.fail(error)
    return error.exit_code


def _behind(command: GuruCommand, rest: Sequence[str]) -> str:
    """A hint for whoever left out the `--` in front of another program's options; empty where there is none."""
    wanted = any(" -- " in (param.metavar or "") for param in command.params)
    return f"what is to be run stands behind --: {command.examples[0][0]}" if wanted and "--" not in rest else ""


def _usage(cause: Exception, command: str, hint: str) -> UsageWrong:
    """Typer's complaint as one of ours, with its suggestions as the hint, or this one, or where to look."""
    message = str(getattr(cause, "message", "") or cause)
    near = getattr(cause, "possibilities", None)
    if not near:
        message = cause.format_message() if hasattr(cause, "format_message") else message
    hint = f"did you mean {' or '.join(sorted(near))}?" if near else hint or f"see `{command} --help`"
    return UsageWrong(f"{command}: {message[:1].lower()}{message[1:].rstrip('.')}", hint=hint)


def _bug(error: Exception, verbose: int, verb: Verb | None = None) -> GuruError:
    if verbose:
        import traceback

        sys.stderr.write("".join(traceback.format_exception(error)))
    where = f"{type(error).__name__}: {error}"
    if verb is not None and verb_at(verb.path) is None:
        hint = "run it again with -v, and tell those who made it"
        return GuruError(f"the plugin {verb.path[0]} failed: {where}", hint=hint)
    return GuruError(f"guru itself failed: {where}", hint="run it again with -v, and report what it prints")


if __name__ == "__main__":
    main()
