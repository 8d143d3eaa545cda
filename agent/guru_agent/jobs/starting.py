"""Starts what an order or a schedule says: account, folder, variables, secrets, sandbox. It keeps and tells nothing."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from guru_agent.jobs.child import COOKIE, Ending, Start, end_leftovers, run_child
from guru_agent.jobs.shells import Said, say_to
from guru_agent.jobs.tape import Heard, Tape
from guru_agent.jobs.whom import Account, signed_in, system
from guru_agent.logs import plain
from guru_policy.errors import CannotLook, InputInvalid, StepFailed, Unsupported
from guru_policy.host import Host
from guru_wire.orders import Command, Inside
from guru_wire.running import Stream

if TYPE_CHECKING:
    from guru_agent.jobs.sandboxing import Tools

MOST_SAID = 400                         # bytes of why a sandbox could not be made


class Starter:
    """Starts commands on this machine; `private` is the agent's own folder, which no sandbox shows."""

    def __init__(self, host: Host, private: Path | None, there: Callable[[], Tools] | None = None) -> None:
        """`there` says what sandboxes are made with; without it the machine is looked at."""
        self._host, self._private, self._there = host, private, there

    async def start(
        self, job: str, command: Command, script: str | None, tape: Tape, timeout: float, cancel: asyncio.Event
    ) -> Ending:
        """Run it, with `script` or else as it names a program, to its end. StepFailed when it cannot be started,
        Unsupported when it cannot be shut in.
        """
        account = signed_in() if command.run_as == "user" else system()
        env = {**account.env, **command.env, **await self._secrets(command), COOKIE: job}
        folder = self._folder(command, account, env)
        if command.inside is not None:
            return await self._inside(command.inside, command, script or "", env, folder, tape, timeout, cancel)
        said = Said(command.argv) if script is None else say_to(command.shell, script)
        if not said.argv:
            raise InputInvalid("the order names no command")
        try:
            descriptors = () if said.descriptor is None else (said.descriptor,)
            stdin = base64.b64decode(command.stdin)
            start = Start(said.argv, env, folder, stdin, timeout, descriptors, account.options)
            return await _ran(start, tape.heard, cancel)
        finally:
            if said.descriptor is not None:
                os.close(said.descriptor)

    async def _inside(
        self, inside: Inside, command: Command, script: str, env: dict[str, str], folder: Path, tape: Tape,
        timeout: float, cancel: asyncio.Event,
    ) -> Ending:
        from guru_agent.jobs.sandboxing import Around, shut_in, tools

        box = shut_in(
            inside.sandbox, command.shell, script, env, folder, around=Around(self._host.root, self._private),
            timeout=timeout, cookie=f"{COOKIE}={env[COOKIE]}", there=(self._there or tools)(),
        )
        own = system()
        start = Start(box.argv, {**own.env, COOKIE: env[COOKIE]}, own.home, box.stdin, timeout)
        said = bytearray()

        def heard(stream: Stream, data: bytes) -> bool:
            if stream == "err" and len(said) < MOST_SAID:
                said.extend(data[:MOST_SAID])
            return tape.heard(stream, data)

        try:
            ending = await _ran(start, heard, cancel)
        finally:                        # systemd has it in a unit of its own: it is in no group of ours
            await asyncio.shield(end_leftovers(env[COOKIE]))
        if ending.exit_code and said.startswith(box.refusals):
            raise Unsupported(f"nothing ran: {plain(said.decode(errors='replace').strip(), MOST_SAID)}")
        return ending._replace(box=f"{inside.sandbox} by {box.by}")

    def _folder(self, command: Command, account: Account, env: dict[str, str]) -> Path:
        folder = Path(command.cwd) if command.cwd else account.home
        if self._host.root is not None:
            env["GURU_ROOT"] = self._host.root
            folder = Path(self._host.root) / command.cwd.lstrip("/")
        if not folder.is_dir():
            raise InputInvalid(f"there is no folder {folder}")
        return folder

    async def _secrets(self, command: Command) -> dict[str, str]:
        found = {}
        for variable, name in command.secrets.items():
            value = await self._host.secret(name)
            if value is None:
                raise CannotLook(f"this device has no secret {name}")
            found[variable] = value.decode(errors="surrogateescape")
        return found


async def _ran(start: Start, heard: Heard, cancel: asyncio.Event) -> Ending:
    if cancel.is_set():
        return Ending(None, None, "early")
    try:
        return await run_child(start, heard, cancel)
    except OSError as cause:
        raise StepFailed(f"{start.argv[0]} cannot be started: {cause.strerror}") from cause
