"""The CommandTemplates in force, and what a run of one is, its parameters checked. It runs nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, select

from guru_policy.errors import Conflict, InputInvalid, NotFound
from guru_policy.fleet import Fleet
from guru_policy.kinds.command_template import CommandTemplate, Parameter
from guru_policy.objects.object import Object
from guru_policy.objects.scopes import ORG, Scope
from guru_server.reconcile.tables import customer_source
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.jobs import ParamRow, ScriptDetail, ScriptRow
from guru_wire.orders import Command, Inside

LoadFleets = Callable[[Collection[str]], Awaitable[Mapping[str, Fleet]]]
ReadFile = Callable[[str, str], Awaitable[bytes]]
"""The content of a file of the repository: revision, path."""


class Found(NamedTuple):
    """A template in force, and the revision that it is read from."""

    item: Object
    template: CommandTemplate
    revision: str


class Templates:
    """Looks templates up as customers have them in force."""

    def __init__(self, db: Database, load: LoadFleets, read_file: ReadFile) -> None:
        self._db, self._load, self._read_file = db, load, read_file

    async def every(self) -> list[Found]:
        """All of them: the organisation's as the newest customer has them, and each customer's own."""
        known = await self._db.read(pairs)
        fleets = await self._load({revision for pair in known.values() for revision in pair})
        found: dict[tuple[str, str], Found] = {}
        for customer, (org, own) in known.items():
            for revision, scope in ((org, ORG), (own, Scope("customer", customer))):
                items = fleets[revision].in_scope("CommandTemplate", scope) if revision in fleets else ()
                for one in _templates(items, revision):
                    found[str(scope), one.item.name] = one
        return [found[place] for place in sorted(found, key=lambda place: (place[1], place[0]))]

    async def one(self, name: str, customers: Iterable[str]) -> Found:
        """The template of this name that all of these customers have; Conflict when they have different ones.

        A customer's own hides the organisation's. NotFound when one of them has none.
        """
        wanted = set(customers)
        known = {name: pair for name, pair in (await self._db.read(pairs)).items() if name in wanted}
        fleets = await self._load({revision for pair in known.values() for revision in pair})
        found: list[Found] = []
        for customer in sorted(wanted):
            org, own = known.get(customer, ("", ""))
            mine = _named(fleets, own, Scope("customer", customer), name) or _named(fleets, org, ORG, name)
            if mine is None:
                hint = "`guru script list` shows the templates in force"
                raise NotFound(f"{customer} has no command template {name[:64]} in force", hint=hint)
            found.append(mine)
        if len({one.template.model_dump_json() for one in found}) > 1:
            scopes = sorted({str(one.item.key.scope) for one in found})
            raise Conflict(
                f"these devices have different templates named {name}, from {', '.join(scopes)}",
                hint="run it for one customer at a time: -l customer=...",
            )
        return found[0]

    async def script_of(self, found: Found) -> str:
        """The template's text, from the repository when it is a file there."""
        if found.template.script is not None:
            return found.template.script
        data = await self._read_file(found.revision, found.template.source or "")
        try:
            return data.decode()
        except UnicodeDecodeError as cause:
            raise InputInvalid(f"{found.template.source} is not text in UTF-8") from cause


def command_of(template: CommandTemplate, script: str, given: Mapping[str, str]) -> Command:
    """The command that the template is with these parameters. InputInvalid for one that does not fit."""
    unknown = sorted(set(given) - set(template.params))
    if unknown:
        known = ", ".join(sorted(template.params)) or "none"
        raise InputInvalid(f"the template has no parameter {unknown[0][:64]}", hint=f"it has {known}")
    env, secrets = {}, {}
    for name, parameter in template.params.items():
        value = _value(name, parameter, given[name]) if name in given else parameter.default
        if value is None:
            raise InputInvalid(f"the parameter {name} must be given", hint=f"-p {name}=...")
        variable = f"PARAM_{name.upper()}"
        if parameter.type == "secret":
            secrets[variable] = str(value)
        else:
            env[variable] = str(value).lower() if isinstance(value, bool) else str(value)
    command = Command(
        shell=template.shell, env=env, secrets=secrets, run_as=template.run_as, timeout=template.timeout,
        output=template.output,
    )
    if template.sandbox == "none":
        return command.model_copy(update={"script": script, "unless": template.unless})
    inside = Inside(sandbox=template.sandbox, script=script, unless=template.unless)
    return command.model_copy(update={"inside": inside})


def row(found: Found) -> ScriptRow:
    """A template in a list."""
    return ScriptRow(**_fields(found))


def detail(found: Found) -> ScriptDetail:
    """A template on a page."""
    template = found.template
    return ScriptDetail(
        **_fields(found), script=template.script or "", source=template.source or "", unless=template.unless or ""
    )


def _fields(found: Found) -> dict[str, object]:
    template = found.template
    return {
        "name": found.item.name, "scope": str(found.item.key.scope), "display_name": template.display_name or "",
        "command_class": template.command_class, "shell": template.shell, "os": template.os,
        "run_as": template.run_as, "timeout": template.timeout, "output": template.output,
        "sandbox": template.sandbox, "approval": template.approval.role if template.approval else "",
        "params": tuple(_param(name, one) for name, one in sorted(template.params.items())),
        "revision": found.revision,
    }


def _param(name: str, one: Parameter) -> ParamRow:
    default = "" if one.default is None else str(one.default)
    return ParamRow(
        name=name, type=one.type, description=one.description or "", required=one.default is None,
        default=default.lower() if isinstance(one.default, bool) else default, choices=one.choices,
    )


def _value(name: str, parameter: Parameter, text: str) -> str | int | bool:
    """What was given, as its type; InputInvalid with the reason when it does not fit."""
    value: str | int | bool = text
    if parameter.type == "integer" and text.removeprefix("-").isascii() and text.removeprefix("-").isdigit():
        value = int(text[:20])
    elif parameter.type == "boolean" and text in ("true", "false"):
        value = text == "true"
    if reason := parameter.refuses(value):
        raise InputInvalid(f"the parameter {name}: {reason}")
    return value


def _named(fleets: Mapping[str, Fleet], revision: str, scope: Scope, name: str) -> Found | None:
    fleet = fleets.get(revision)
    item = fleet.get("CommandTemplate", scope, name) if fleet else None
    return next(iter(_templates([item], revision)), None) if item else None


def _templates(items: Iterable[Object], revision: str) -> list[Found]:
    return [Found(item, item.spec, revision) for item in items if isinstance(item.spec, CommandTemplate)]


def pairs(connection: Connection) -> dict[str, tuple[str, str]]:
    """Revisions of the organisation's and the customer's files in force, by customer."""
    rows = connection.execute(select(customer_source).where(customer_source.c.tenant == whose(connection)))
    return {
        row.customer: (row.org_revision, row.customer_revision)
        for row in rows if row.org_revision and row.customer_revision
    }
