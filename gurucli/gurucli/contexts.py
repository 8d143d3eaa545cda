"""The servers a person knows, kept in one file of mode 0600. It never prints a token, and never talks."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from guru_policy.errors import GuruError, InputInvalid, NotFound, NotSignedIn, UsageWrong
from gurucli.environment import Environment

if TYPE_CHECKING:
    from gurucli.session_store import Place, Store

MAX_CONFIG = 1 << 20


@dataclass(frozen=True, slots=True)
class Context:
    """One server and who we are there. `ca` is PEM text; empty means the system's own roots.

    `session` says where the secrets of a session are kept: `keyring`, `file`, or empty when there is a token.
    """

    name: str
    url: str
    token: str = field(default="", repr=False)
    ca: str = ""
    session: str = ""

    @property
    def signed_in(self) -> bool:
        """Whether there is something to show."""
        return bool(self.token or self.session)


@dataclass(frozen=True, slots=True)
class Config:
    """The contexts by name, and the one in use; aliases with the lines that they stand for."""

    current: str = ""
    contexts: dict[str, Context] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def with_context(self, context: Context) -> Config:
        """With the context added or replaced, and in use."""
        return replace(self, current=context.name, contexts={**self.contexts, context.name: context})

    def without(self, name: str) -> Config:
        """Without the context; another one is never taken into use silently."""
        kept = {key: value for key, value in self.contexts.items() if key != name}
        return replace(self, current="" if self.current == name else self.current, contexts=kept)

    def using(self, name: str) -> Config:
        """With the named context in use; NotFound when there is none of that name."""
        self.named(name)
        return replace(self, current=name)

    def naming(self, aliases: dict[str, str]) -> Config:
        """With these aliases and no others."""
        return replace(self, aliases=aliases)

    def named(self, name: str) -> Context:
        """The context of that name; NotFound with a suggestion otherwise."""
        if name in self.contexts:
            return self.contexts[name]
        from difflib import get_close_matches

        near = get_close_matches(name, self.contexts, 1)
        hint = f"did you mean {near[0]}?" if near else "`guru context list` names the ones there are"
        raise NotFound(f"no context is named {name!r}", hint=hint)


def load(path: Path) -> Config:
    """The configuration; an empty one when the file does not exist; InputInvalid when it is damaged."""
    try:
        with path.open("rb") as file:
            raw = json.loads(file.read(MAX_CONFIG))
        contexts = {
            name: Context(name, str(entry["url"]), str(entry.get("token", "")), str(entry.get("ca", "")),
                          str(entry.get("session", "")))
            for name, entry in raw.get("contexts", {}).items()
        }
        aliases = {str(name): str(line) for name, line in raw.get("aliases", {}).items()}
        return Config(str(raw.get("current", "")), contexts, aliases)
    except FileNotFoundError:
        return Config()
    except (ValueError, KeyError, TypeError, AttributeError) as cause:
        hint = "mend it by hand, or move it away and sign in again with `guru login URL`"
        raise InputInvalid(f"{path} is not a guru configuration: {cause}", hint=hint) from cause
    except OSError as cause:
        raise GuruError(f"{path} cannot be read: {cause.strerror}") from cause


def save(path: Path, config: Config) -> None:
    """Replace the file in one step; its folder is made with mode 0700, the file is 0600 from its first byte.
    """
    entries = {name: {k: v for k, v in asdict(c).items() if k != "name"} for name,
               c in config.contexts.items()}
    whole = {"current": config.current, "contexts": entries, "aliases": config.aliases}
    body = json.dumps(whole, indent=2) + "\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".config-")     # 0600 by definition
        try:
            with os.fdopen(handle, "w") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as cause:
        raise GuruError(f"{path} cannot be written: {cause.strerror}") from cause


def choose(environment: Environment, asked: str) -> Context:
    """The server to talk to: --context, then GURU_URL, then GURU_CONTEXT, then the one in use.

    At GURU_URL without GURU_TOKEN one is whoever signed in there last, as `guru login --ci` does in a job.
    GURU_TOKEN and GURU_CA replace the context's own token and authority. NotSignedIn when nothing names a
    server.
    """
    if environment.url and not asked:
        context = _known(environment) or Context("GURU_URL", environment.url)
    else:
        config = load(environment.config)
        name = asked or environment.context or config.current
        if not name:
            hint = "sign in with `guru login URL`, or set GURU_URL and GURU_TOKEN"
            if config.contexts:
                hint = "choose one with `guru context use NAME`, or sign in with `guru login URL`"
            raise NotSignedIn("no server is chosen", hint=hint)
        context = config.named(name)
    if environment.token and not (asked and context.token):
        context = replace(context, token=environment.token, session="")
    if environment.ca_file:
        context = replace(context, ca=read_ca(environment.ca_file))
    return context


def _known(environment: Environment) -> Context | None:
    """The context in use, when it is of exactly the server that GURU_URL names, and no token is given beside it."""
    if environment.token:
        return None
    config = load(environment.config)
    current = config.contexts.get(config.current)
    same = current is not None and current.url == environment.url.rstrip("/")
    return current if same else None


def store_of(environment: Environment, context: Context) -> Store:
    """Where the context's session is kept."""
    from gurucli.session_store import Store

    place: Place = "keyring" if context.session == "keyring" else "file"
    return Store(environment.config.parent / "sessions", context.name, place)


def read_ca(path: str) -> str:
    """The PEM text of GURU_CA; UsageWrong when it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_CONFIG).decode("ascii")
    except (OSError, ValueError) as cause:
        raise UsageWrong(f"GURU_CA names {path}, which is not a readable PEM file") from cause
