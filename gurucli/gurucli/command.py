"""A verb's module made into a Typer command that also takes the options of every verb. It runs nothing."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import ModuleType

import typer
from typer._click.core import Context
from typer.core import TyperCommand, TyperOption
from typer.main import get_command

from guru_policy.errors import UsageWrong
from gurucli import flags
from gurucli.catalogue import Verb, verb_at
from gurucli.paper import Paper


class GuruCommand(TyperCommand):
    """A command whose help begins with examples."""

    examples: Sequence[tuple[str, str]] = ()
    paper = Paper()

    def get_help(self, ctx: Context) -> str:
        """The whole help text."""
        from gurucli.helptext import command_help

        return command_help(self, ctx, self.paper)


def load(verb: Verb) -> ModuleType:
    """The verb's module: `run`, EXAMPLES, and COLUMNS when it prints rows."""
    return importlib.import_module(verb.module)


def build(verb: Verb, module: ModuleType) -> GuruCommand:
    """The command. An option that the verb has itself takes the place of the common one."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name=" ".join(("guru", *verb.path)), cls=GuruCommand)(module.run)
    command = get_command(app)
    if not isinstance(command, GuruCommand):
        raise TypeError(f"{verb.module}.run is not one command")
    command.examples = module.EXAMPLES
    if clash := {param.name for param in command.params} & {flag.dest for flag in flags.FLAGS}:
        raise TypeError(f"{verb.module}.run takes {clash}, the name of a common option: call it otherwise")
    taken = {name for param in command.params for name in param.opts}
    command.params += [_option(flag) for flag in flags.FLAGS if not taken & set(flag.names)]
    return command


def opened(verb: Verb) -> tuple[ModuleType, GuruCommand]:
    """The module and the command of a verb, one that a package added too."""
    if verb_at(verb.path) is None:
        from gurucli.plugins import opened as added

        return added(verb)
    module = load(verb)
    return module, build(verb, module)


def _option(flag: flags.Flag) -> TyperOption:
    switch = not flag.metavar and not flag.counted
    default: object = () if flag.repeats else 0 if flag.counted else False if switch else None
    if flag.dest == "color":
        default = "auto"
    return TyperOption(
        param_decls=[flag.dest, *flag.names], help=flag.help, metavar=flag.metavar or None, default=default,
        is_flag=switch or None, multiple=flag.repeats, count=flag.counted,
        type=None if switch or flag.counted else str,
    )


def options_from(values: dict[str, object]) -> flags.Options:
    """Take the common options out of a parsed command's values."""
    def text(name: str, default: str = "") -> str:
        value = values.pop(name, None)
        return value if isinstance(value, str) else default

    output, verbose = values.pop("output", ()), values.pop("verbose", 0)
    return flags.Options(
        output=tuple(str(form) for form in output) if isinstance(output, tuple | list) else (),
        fields=text("fields"), context=text("context"),
        timeout=text("timeout"), ticket=text("ticket"),
        no_input=bool(values.pop("no_input", False)), plain=bool(values.pop("plain", False)),
        color=text("color", "auto"), quiet=bool(values.pop("quiet", False)),
        verbose=verbose if isinstance(verbose, int) else 0,
    )


def refuse_reports(module: ModuleType, options: flags.Options) -> None:
    """UsageWrong when a report is asked of a verb that writes none."""
    from gurucli.cli import is_report

    reports = [text for text in options.output if is_report(text)]
    if reports and not getattr(module, "REPORTS", False):
        raise UsageWrong(f"-o {reports[0]} makes a report, and this command writes none",
                         hint="guru ci, validate, test, plan and fmt write reports")
