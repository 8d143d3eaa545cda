"""The whole product in one folder, on free loopback ports: remote, server, agents, simulator, command line.

It drives the installed programs as a person would, and reads their answers with `-o json`. It is for the
demo and for tests, and never touches anything outside its folder.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shlex
import ssl
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tools.lab.ports import free_port
from tools.lab.processes import Child, finished
from tools.lab.remote import Remote

BIN = Path(sys.executable).parent
PORTS = 5                               # tried, since another program may take a free one first
READY_SECONDS = 60.0                    # a machine may be busy with other things


class Done(NamedTuple):
    """A finished command."""

    exit_code: int
    out: str
    err: str


class Failed(Exception):
    """A step of the world did not work; the message holds what was printed."""


class AgentPlace(NamedTuple):
    """Where one real agent lives."""

    name: str
    state: Path
    root: Path


def wait_until(
    what: str, claim: Callable[[], bool], timeout: float = READY_SECONDS, pause: float = 0.1,
    *, seen: Callable[[], object] | None = None,
) -> None:
    """Return once the claim is true; Failed after `timeout` seconds, with what was seen then."""
    deadline = time.monotonic() + timeout
    while not claim():
        if time.monotonic() > deadline:
            raise Failed(f"not within {timeout:.0f} s: {what}" + (f"; seen: {seen()}" if seen else ""))
        time.sleep(pause)


class World:
    """Everything under `folder`. stop() ends every process."""

    def __init__(
        self, folder: Path, *, database: str | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder.absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.remote = Remote(self.folder / "git")
        self.children: dict[str, Child] = {}
        self.token = self.pin = ""
        self.keys = self.folder / "server" / "keys"
        self.database_url = database or f"sqlite:///{self.folder / 'server' / 'guru.db'}"
        self._started, self._tried = False, list[int]()
        self._env = {
            "GURU_SERVER_DATA": str(self.folder / "server"),
            "GURU_SERVER_GIT__URL": self.remote.url,
            "GURU_SERVER_GIT__POLL": "1",
            **({"GURU_SERVER_DATABASE": database} if database else {}),
        }
        self._settings = dict(settings or {})
        self._move(free_port())

    def _move(self, port: int) -> None:
        """Have the server on this port from its next start on."""
        self.port, self.url = port, f"https://127.0.0.1:{port}"
        self._env |= {"GURU_SERVER_LISTEN": f"127.0.0.1:{port}", "GURU_SERVER_URL": self.url, **self._settings}

    @property
    def server(self) -> Child:
        """The running server."""
        return self.children["server"]

    def prepare(self) -> None:
        """`guru-server init`: keys, database and the first token."""
        done = self._run([str(BIN / "guru-server"), "init"], self._env)
        text = done.out + done.err
        token, pin = re.search(r"gurut_\S+", text), re.search(r"sha256:[0-9a-f]{64}", text)
        if done.exit_code or not token or not pin:
            raise Failed(f"guru-server init: {text}")
        self.token, self.pin = token[0], pin[0]

    def start_server(self, settings: Mapping[str, str] | None = None, *, wait: bool = True) -> Child:
        """`guru-server serve` with some more settings, until it answers unless `wait` is false.

        The first start goes elsewhere when another program took its port.
        """
        while True:
            try:
                child = self.start_program("server", "serve", settings or {}, wait=wait)
            except Failed as failed:
                taken = "Address already in use" in str(failed)
                if not taken or self._started or len(self._tried) >= PORTS:
                    raise
                self._tried.append(self.port)
                self._move(free_port())
            else:
                self._started = True
                return child

    def start_program(
        self, name: str, verb: str, settings: Mapping[str, str], *, wait: bool = True
    ) -> Child:
        """`guru-server VERB` as this world's server is set, with other settings; known here by `name`."""
        log = self.folder / "logs" / f"{name}.log"
        before = log.stat().st_size if log.exists() else 0
        child = Child([str(BIN / "guru-server"), verb], log, {**self._env, **settings})
        self.children[name] = child
        if wait:
            self._await_line(name, "listening on", before)
        return child

    def sign_in(self) -> None:
        """`guru login`, into a configuration of this world's own."""
        self.guru("login", self.url, "--pin", self.pin, env={"GURU_TOKEN": self.token})

    def guru(
        self,
        *arguments: str,
        check: bool = True,
        timeout: float = 120.0,
        env: Mapping[str, str] | None = None,
    ) -> Done:
        """Run the command line; Failed when `check` and the exit code is not 0."""
        done = self._run([str(BIN / "guru"), *arguments], {**self.guru_env(), **(env or {})}, timeout)
        if check and done.exit_code:
            raise Failed(f"guru {' '.join(arguments)}: exit {done.exit_code}\n{done.out}{done.err}")
        return done

    def guru_env(self) -> dict[str, str]:
        """The environment in which `guru` knows this world's server."""
        return {
            "GURU_CONFIG": str(self.folder / "technician" / "config.json"),
            "XDG_CACHE_HOME": str(self.folder / "technician" / "cache"),
            "GURU_KEYRING": "off",
        }

    def server_env(self) -> dict[str, str]:
        """The environment in which `guru-server` knows this world's server."""
        return dict(self._env)

    def wrapper(self) -> Path:
        """A program `guru` in the folder, for a person: it knows this world's server from any shell."""
        path = self.folder / "guru"
        settings = (f"export {name}={shlex.quote(value)}" for name, value in self.guru_env().items())
        start = f'exec {shlex.quote(str(BIN / "guru"))} "$@"'
        path.write_text("\n".join(("#!/bin/sh", *settings, start, "")))
        path.chmod(0o755)
        return path

    def fallen(self) -> str:
        """What ended that should run, with its last words; empty while all is well."""
        for name, child in self.children.items():
            if not child.running:
                return f"the {name} ended with {child.exit_code}: {child.output()[-2000:].strip()}"
        return ""

    def ask(self, *arguments: str) -> object:
        """What a command says with `-o json`."""
        return json.loads(self.guru(*arguments, "-o", "json").out)

    def get(self, path: str) -> Any:
        """What the API says under /api/v1: the quick way for what is asked again and again."""
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=20, context=self.trust()) as answer:
            return json.load(answer)

    def trust(self) -> ssl.SSLContext:
        """A context that believes this world's server and nobody else."""
        return ssl.create_default_context(cafile=str(self.keys / "ca.crt"))

    def enrol(self, name: str, customer: str, site: str) -> AgentPlace:
        """`guru-agent enroll` for a real agent with a sandbox root."""
        home = self.folder / "agents" / name
        place = AgentPlace(name, home / "state", home / "root")
        place.root.mkdir(parents=True, exist_ok=True)
        done = self._run(
            [str(BIN / "guru-agent"), "enroll", "--token-file", str(self.enrolment_token(customer, site)),
             "--name", name, "--state", str(place.state), "--root", str(place.root)], {},
        )
        if done.exit_code:
            raise Failed(f"guru-agent enroll: {done.out}{done.err}")
        return place

    def enrolment_token(self, customer: str, site: str, uses: int = 1) -> Path:
        """A file with a new token."""
        made = self.ask(
            "enroll", "token", "create", "--customer", customer, "--site", site, "--uses", str(uses)
        )
        assert isinstance(made, dict)
        path = self.folder / "tokens" / f"{customer}-{site}-{time.monotonic_ns()}"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_text(str(made["token"]))
        return path

    def start_agent(self, place: AgentPlace, *, env: Mapping[str, str] | None = None) -> Child:
        """`guru-agent run` in the foreground of its own process."""
        argv = [str(BIN / "guru-agent"), "run", "--state", str(place.state), "--root", str(place.root)]
        child = Child(argv, self.folder / "logs" / f"agent-{place.name}.log", env)
        self.children[f"agent {place.name}"] = child
        return child

    def start_halves(self, place: AgentPlace, *, env: Mapping[str, str] | None = None) -> tuple[Child, Child]:
        """The same agent in two processes: the half that decides and the half that carries, as whoever runs this."""
        socket, logs = self.folder / f"{place.name}.sock", self.folder / "logs"
        told = {"GURU_AGENT_SOCKET": str(socket), "GURU_AGENT_NETWORK_USER": pwd.getpwuid(os.geteuid()).pw_name}
        program = str(BIN / "guru-agent")
        halves = (
            Child([program, "executor", "--state", str(place.state), "--root", str(place.root)],
                  logs / f"agent-{place.name}.log", {**told, **(env or {})}),
            Child([program, "network", "--socket", str(socket)], logs / f"network-{place.name}.log", env),
        )
        for child, half in zip(halves, ("agent", "network"), strict=True):
            self.children[f"{half} {place.name}"] = child
        return halves

    def simulate(self, count: int, customer: str, site: str, *extra: str) -> Child:
        """`count` simulated agents that speak the real wire."""
        token = self.enrolment_token(customer, site, uses=count)
        argv = [
            sys.executable, "-m", "tests.bench.fleet_sim", "--token-file", str(token),
            "--agents", str(count), "--state", str(self.folder / "simulated"), *extra,
        ]
        child = Child(argv, self.folder / "logs" / "simulated.log")
        self.children["simulated agents"] = child
        return child

    def stop(self) -> None:
        """End every process, the server last."""
        for name in sorted(self.children, key=lambda name: name == "server"):
            self.children[name].stop()

    def _await_line(self, name: str, text: str, before: int) -> None:
        child = self.children[name]

        def said() -> bool:
            if not child.running:
                raise Failed(f"the {name} ended with {child.exit_code}:\n{child.output()[-4000:]}")
            return text in child.output()[before:]

        wait_until(f"the {name} says {text!r}", said)

    def _run(self, argv: list[str], env: Mapping[str, str], timeout: float = 120.0) -> Done:
        code, out, err = finished(argv, env, timeout)
        return Done(code, out, err)
