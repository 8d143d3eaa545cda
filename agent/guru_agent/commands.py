"""The verbs of guru-agent. Each returns its exit code; what was asked for goes to standard output."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from guru_agent.logs import plain
from guru_agent.systemd import Notifier
from guru_policy.errors import NotFound, UsageWrong
from guru_wire.release import VERSION

if TYPE_CHECKING:
    from guru_agent.settings import Settings  # the half that carries has neither settings nor models

MOST_TOKEN = 4096


def enroll(
    settings: Settings, token: str | None, token_file: Path | None, name: str | None, *, force: bool
) -> int:
    """Join a server with a token."""
    from guru_agent.enrolment import enrol
    from guru_agent.host import open_host
    from guru_agent.host.facts import gather
    from guru_agent.host.hardware import hardware
    from guru_agent.link.carrier import address
    from guru_agent.running import only_one
    from guru_agent.settings import proxy_for
    from guru_agent.state.files import make_folder
    from guru_agent.state.keys import choose
    from guru_agent.state.tpm import Tpm
    from guru_wire.enrolment import read_token

    read = read_token(_token(settings, token, token_file))
    open_host(settings.root)            # Unsupported here is better than an agent that cannot run
    facts = gather()
    keys, lacking = choose(settings.keys, Tpm(settings.tpm))
    make_folder(settings.state)
    with only_one(settings.state):
        trusted, approved = enrol(
            read, settings.state, name=name or str(facts.get("hostname") or "device")[:63], facts=facts,
            proxy=proxy_for(settings, *address(read.url)), force=force, hardware=hardware(settings.root), keys=keys,
        )
    _say(f"enrolled as {plain(trusted.name)} of {plain(trusted.customer)}/{plain(trusted.site)}")
    _say(f"its key rests in a file: {lacking}" if lacking else "its key is sealed by this machine's TPM")
    if not approved:
        _say("it waits until somebody lets it in: `guru enroll pending approve`")
    sys.stderr.write("next: systemctl enable --now guru-agent, or guru-agent run\n")
    return 0


def seal(settings: Settings) -> int:
    """Have the TPM seal the key of an enrolled device whose key lies in a file."""
    from guru_agent.running import only_one
    from guru_agent.state.identity import KEY_FILES, load_identity, load_trusted
    from guru_agent.state.keys import choose
    from guru_agent.state.tpm import Tpm

    load_trusted(settings.state)
    keys, _ = choose("tpm", Tpm(settings.tpm))
    with only_one(settings.state):
        changed = [name for name in KEY_FILES if keys.seal(settings.state / name)]
        load_identity(settings.state, keys.tpm)
    if not changed:
        _say("the device key is sealed by this machine's TPM already")
        return 0
    _say(f"sealed by this machine's TPM: {', '.join(changed)}")
    sys.stderr.write("next: start the agent, then guru device rotate-key: the old key may still be found on the disk\n")
    return 0


def install(*, together: bool) -> int:
    """Make it a service."""
    from guru_agent.installing import hidden, this_program
    from guru_agent.installing import install as make_service

    program = this_program()
    for path in make_service(program, together=together):
        _say(str(path))
    unseen = None if together else hidden(program)
    if unseen is not None:
        sys.stderr.write(f"warning: {plain(str(unseen))} is hidden from the network half; install the agent elsewhere, "
                         "as in /opt, or add --together\n")
    sys.stderr.write("next: guru-agent enroll, then systemctl enable --now guru-agent\n")
    return 0


def run(settings: Settings, notifier: Notifier, *, halves: bool = False) -> NoReturn:
    """Run in the foreground until told to stop, then end the process. With `halves` another process carries."""
    from guru_agent.running import run_agent
    from guru_agent.state.identity import load_trusted

    load_trusted(settings.state)        # a device that never enrolled hears that, before anything else
    loop = asyncio.new_event_loop()
    loop.run_until_complete(run_agent(settings, notifier, halves=halves))
    sys.stderr.flush()
    # A look that hangs in a thread (a web check, a poll) must not hold up the end: nothing is open any more.
    os._exit(0)


def network(socket: Path, notifier: Notifier) -> NoReturn:
    """Carry for the half that decides until told to stop, then end the process."""
    from guru_agent.halves.network import run_network

    asyncio.run(run_network(socket, notifier))
    sys.stderr.flush()
    os._exit(0)                         # as above: a request may hang in a thread


def converge(settings: Settings) -> int:
    """One run from the last verified state: 0 when the machine is as it should be, else 1."""
    from guru_agent.running import converge_once
    from guru_agent.state.identity import load_trusted

    load_trusted(settings.state)
    return 0 if asyncio.run(converge_once(settings)) else 1


def query(settings: Settings, sql: str, output: str, rows: int, timeout: float) -> int:
    """One query on this device, enrolled or not."""
    from pydantic import ValidationError

    from guru_agent.query.local import show
    from guru_wire.querying import MAX_ROWS, MAX_SECONDS, QueryLimits

    try:
        limits = QueryLimits(rows=rows, seconds=timeout)
    except ValidationError:
        raise UsageWrong(
            f"--rows goes from 1 to {MAX_ROWS}, --timeout up to {MAX_SECONDS:g} seconds"
        ) from None
    return show(sql, output, limits, settings.root)


def tables(name: str | None) -> int:
    """What queries can read."""
    from guru_agent.query.local import tables as show_tables
    from guru_policy.query import BY_NAME
    from guru_policy.text.suggesting import did_you_mean

    if name is not None and name not in BY_NAME:
        raise NotFound(f"there is no table {plain(name)}", hint=did_you_mean(name, BY_NAME))
    return show_tables(name)


def verify(output: str) -> int:
    """Whether this program's files are as they were installed: 0 when they are, else 1."""
    import json

    from guru_agent.installed import SITE, inspect
    from guru_agent.sampling.intactness import judged
    from guru_policy.verdict import State

    found = inspect(SITE)
    state = judged(found).state
    if output == "json":
        _say(json.dumps({"apiVersion": "guru/v1", "version": VERSION, "state": state, **found._asdict()}, indent=2))
    else:
        _say(f"{state}: {judged(found).message}")
        for name in found.differing:
            _say(f"  {plain(name)}")
    return 0 if state is State.ok else 1


def version() -> int:
    """The version."""
    _say(f"guru-agent {VERSION}")
    return 0


def status(settings: Settings, output: str) -> int:
    """What the state folder tells, also of an agent that is running."""
    from guru_agent.state.identity import load_trusted
    from guru_agent.status import look

    found = look(settings.state, load_trusted(settings.state))
    if output == "json":
        _say(found.model_dump_json(indent=2, by_alias=True))
        return 0
    for label, value in found.lines():
        _say(f"{label + ':':<10} {plain(value)}")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _token(settings: Settings, token: str | None, file: Path | None) -> str:
    """The token's text: from --token-file, standard input, the command line or GURU_AGENT_TOKEN."""
    from guru_agent.state.files import read_private

    if file is not None:
        data = read_private(file, MOST_TOKEN)
        if data is None:
            raise NotFound(f"there is no file {file}")
        return data.decode(errors="replace")
    if token == "-":                    # noqa: S105 - means standard input
        return sys.stdin.read(MOST_TOKEN + 1)
    if token is not None:
        return token
    if settings.token is not None:
        return settings.token.get_secret_value()
    raise UsageWrong(
        "no enrolment token given", hint="pass --token-file FILE, or - to read it from standard input"
    )
