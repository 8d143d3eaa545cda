"""What each command of `guru-server` does. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection

from guru_policy.errors import InputInvalid
from guru_server import keyring_commands
from guru_server.accounts import accounts
from guru_server.bus import Bus, LocalBus
from guru_server.clock import wall
from guru_server.collecting import uncollected
from guru_server.identity import people
from guru_server.keys import files, keys
from guru_server.secrets.opening import Opener
from guru_server.settings import ServerSettings
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_server.store.migrate import migrate
from guru_server.store.schema import TENANT
from guru_server.supervising import Job

if TYPE_CHECKING:
    from guru_server.connections import ConnectionLimits
    from guru_server.signer.child import Child

ResultT = TypeVar("ResultT")
DAY = 86_400.0


def init(settings: ServerSettings, admin: str) -> None:
    """Make keys, database and the first token; what is there stays as it is."""
    made = prepare(settings)
    say(f"keys: {'made ' + ', '.join(made) if made else 'there already'} in {settings.keys}")
    say(f"database: {shown(settings)}")
    token = asyncio.run(_first_token(settings, admin))
    if token is None:
        say("token: an admin has one already; another: `guru-server token create NAME`")
    else:
        sys.stdout.write(f"{token}\n")
        say(f"the token above belongs to {admin}, is shown this once, and gives all rights")
    say("sign in with:")
    say(f"  guru login {settings.public_url} --pin sha256:{keys.pin_of(settings.authority)}")
    age = keys.load_age(settings.keys, settings.passphrase)
    say(f"secrets for devices are encrypted for {Opener(age).recipient}, too")


def recipient(settings: ServerSettings) -> None:
    """Print the age public key that secrets are encrypted for."""
    sys.stdout.write(f"{Opener(keys.load_age(settings.keys, settings.passphrase)).recipient}\n")


def prepare(settings: ServerSettings) -> list[str]:
    """Folder, keys and tables; the names of the keys that were made. Of a tenant beside the first all is there."""
    if settings.tenant != TENANT:
        migrate(settings.database_url)
        return []
    files.make_folder(settings.data)
    made = keys.make(
        settings.keys, settings.names, wall(), settings.passphrase, signer=settings.signer_files
    )
    migrate(settings.database_url)
    return made


def create_admin(settings: ServerSettings, name: str) -> None:
    """Print an invitation for somebody with all rights, which no commit can take away; only on this machine.

    For a name that is there it is the way back in: its password is set anew, and its second factor is gone.
    """
    prepare(settings)
    now = wall()
    code = asyncio.run(_write(settings, lambda connection: accounts.invite(
        connection, whose(connection), name, "admin", now=now, actor="server")))
    sys.stdout.write(f"{code}\n")
    say(f"the invitation above is for {name}, good once and for a day; set the password with:")
    pin = keys.pin_of(settings.authority)
    say(f"  guru login {settings.public_url} --pin sha256:{pin} --user {name} --invitation")


def create_token(
    settings: ServerSettings, name: str, role: people.Role, ttl: int | None, key: bool, limits: people.Limits
) -> None:
    """Print a new token, the only time it is known. InputInvalid for a key without an end."""
    if key and ttl is None:
        raise InputInvalid("a key needs an end", hint="such as --ttl 90d")
    migrate(settings.database_url)
    now = wall()
    text = asyncio.run(_write(settings, lambda connection: people.create(
        connection, whose(connection), name, role, now=now, ttl=ttl, actor="server", kind="key" if key else "person",
        limits=limits,
    )))
    sys.stdout.write(f"{text}\n")


def list_tokens(settings: ServerSettings) -> None:
    """Print every token without its secret, tab-separated."""
    migrate(settings.database_url)
    now = wall()
    for row in asyncio.run(_write(settings, lambda connection: people.tokens(connection, whose(connection)))):
        ends = "never" if row.expires_at is None else str(row.expires_at)
        state = "good" if row.good(now) else "ended" if row.revoked_at is None else "revoked"
        name = row.name if row.kind == "person" else f"key:{row.name}"
        sys.stdout.write(f"{row.id}\t{name}\t{row.role or 'bindings'}\t{state}\t{ends}\n")


def revoke_token(settings: ServerSettings, token_id: str) -> None:
    """End a token."""
    migrate(settings.database_url)
    now = wall()
    asyncio.run(_write(settings, lambda connection: people.revoke(
        connection, whose(connection), token_id, now=now, actor="server"
    )))
    say(f"token {token_id} is revoked")


def migrate_database(settings: ServerSettings) -> None:
    """Bring the tables up to date."""
    if settings.database is None:
        files.make_folder(settings.data)
    before, now = migrate(settings.database_url)
    say(f"the database is at {now}" + (f", it was at {before or 'nothing'}" if before != now else ""))


def serve(settings: ServerSettings) -> None:
    """Run the server until a signal."""
    import uvloop

    if not settings.keys.exists():
        prepare(settings)
        say("this is a first run: `guru-server init` makes the first token")
    from guru_server.housing import alone

    with alone(settings.data):
        if made := keys.complete(settings.keys, settings.passphrase, signer=settings.signer_files):
            say(f"keys: made {', '.join(made)} in {settings.keys}; other servers on this database need copies of them")
        keyring_commands.finish(settings)
        with keyring_commands.started(settings) as signer:
            migrate(settings.database_url)
            uvloop.run(_serve(settings, signer))


def gateway(settings: ServerSettings) -> None:
    """Run only the agents' links until a signal."""
    import uvloop

    uvloop.run(_gateway(settings))


def openapi(settings: ServerSettings) -> None:
    """Print the API's OpenAPI document."""
    import orjson

    from guru_server.describing import document

    sys.stdout.buffer.write(orjson.dumps(document(settings), option=orjson.OPT_INDENT_2) + b"\n")


def say(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"{text}\n")


def shown(settings: ServerSettings) -> str:
    """The database without its password."""
    from sqlalchemy import make_url

    return make_url(settings.database_url).render_as_string(hide_password=True)


async def _serve(settings: ServerSettings, signer: Child | None) -> None:
    with uncollected():
        from guru_server.housing import builder
        from guru_server.serving import bind
        from guru_server.serving import serve as run
        from guru_server.tenants.houses import Houses
        from guru_server.tenants.switchboard import Switchboard
        from guru_server.wiring import Ground, Wired, wire_server

    keys.renew(settings.keys, settings.names, wall(), settings.passphrase)
    if signer is not None:
        signer.ready()
    held = keys.load_server(settings.keys, keyring_commands.signatures(settings), settings.passphrase)
    keyring_commands.vouched(held)
    listener = bind(settings.host, settings.port)
    url = settings.url or settings.public_url.rpartition(":")[0] + f":{listener.port}"
    db, bus, jobs = _open(settings)
    try:
        ground = Ground(settings, db, bus, wall)
        wired = wire_server(ground, held, url)
        board = Switchboard(wired.app)
        jobs["tenants"] = Houses(db, board, builder(ground, held, url)).run
        jobs["certificate"] = partial(_renew, settings, held.tls)
        if signer is not None:
            jobs["signer"] = signer.run
        await run(Wired(board, {**wired.jobs, **jobs}), held.tls, listener, _limits(settings))
    finally:
        await bus.close()
        await db.close()


async def _gateway(settings: ServerSettings) -> None:
    with uncollected():
        from guru_server.housing import links
        from guru_server.serving import bind
        from guru_server.serving import serve as run
        from guru_server.tenants.houses import Houses
        from guru_server.tenants.switchboard import Switchboard
        from guru_server.wiring import Ground, Wired, wire_gateway

    db, bus, jobs = _open(settings)
    try:
        held = keys.load_gateway(settings.keys, settings.passphrase)
        ground = Ground(settings, db, bus, wall)
        wired = wire_gateway(ground, held.link)
        board = Switchboard(wired.app)
        jobs["tenants"] = Houses(db, board, partial(links, ground)).run
        listener = bind(settings.host, settings.port)
        await run(Wired(board, {**wired.jobs, **jobs}), held.tls, listener, _limits(settings))
    finally:
        await bus.close()
        await db.close()


def _limits(settings: ServerSettings) -> ConnectionLimits:
    from guru_server.connections import ConnectionLimits

    return ConnectionLimits(each=settings.connections.address, most=settings.connections.total)


def _open(settings: ServerSettings) -> tuple[Database, Bus, dict[str, Job]]:
    db = Database.open(settings.database_url)
    if db.dialect == "sqlite":
        return db, LocalBus(), {}
    from guru_server.bus_postgres import PostgresBus

    bus = PostgresBus(settings.database_url)
    return db, bus, {"bus": bus.run}


async def _renew(settings: ServerSettings, tls: keys.Tls) -> None:
    """Look at the certificate once a day, and take a new one into use without a restart."""
    while True:
        await asyncio.sleep(DAY)
        if await asyncio.to_thread(keys.renew, settings.keys, settings.names, wall(), settings.passphrase):
            tls.reload()


async def _first_token(settings: ServerSettings, admin: str) -> str | None:
    now = wall()

    def work(connection: Connection) -> str | None:
        living = [row for row in people.tokens(connection, whose(connection)) if _rules(row, now)]
        if living:
            return None
        return people.create(connection, whose(connection), admin, "admin", now=now, ttl=None, actor="server")

    return await _write(settings, work)


def _rules(row: people.TokenRow, now: int) -> bool:
    """Whether the token gives all rights."""
    return row.role == "admin" and row.good(now) and row.limits == people.Limits()


async def _write(settings: ServerSettings, work: Callable[[Connection], ResultT]) -> ResultT:
    db = Database.open(settings.database_url)
    try:
        return await db.of(settings.tenant).write(work)
    finally:
        await db.close()
