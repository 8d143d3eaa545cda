"""The server's settings: one model over a YAML file, the environment and flags. Nothing else reads these.

Flags win over GURU_SERVER_* (nested with __, as GURU_SERVER_GIT__URL), which win over the file.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from guru_policy.commit_signing import Mode, PublicKey
from guru_policy.errors import InputInvalid
from guru_server.keys.opening import passphrase_in

DEFAULT_FILE = Path("/etc/guru/server.yaml")
MOST = 256 * 1024
HINT = "docs/server.md lists every setting"


class Part(BaseModel):
    """A part of the settings that one subject gets."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SigningSettings(Part):
    """What commits must at least be signed like, whatever the repository says, and keys that may sign all."""

    mode: Mode = "none"
    keys: tuple[PublicKey, ...] = ()


class GitSettings(Part):
    """The fleet repository. Secrets stand in files that are named here."""

    url: str | None = None
    branch: str = "main"
    poll: int = Field(default=30, ge=1, le=86_400)              # seconds
    follow: bool = True                                         # False: commits wait for `guru apply`
    ssh_key: Path | None = None
    known_hosts: Path | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    signing: SigningSettings = SigningSettings()


class WebhookSettings(Part):
    """The secret that each Git host signs its webhooks with; without one its webhook is refused."""

    github: SecretStr | None = None
    gitea: SecretStr | None = None
    forgejo: SecretStr | None = None
    gitlab: SecretStr | None = None


class SmtpSettings(Part):
    """Where e-mail goes out."""

    host: str | None = None
    port: int = Field(default=587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: SecretStr | None = None
    sender: str = "guru@localhost"


class NotifySettings(Part):
    """What channels in the fleet repository refer to by name: the secrets that webhooks are signed with.

    `private`: webhooks may go to private and loopback addresses.
    """

    private: bool = True
    secrets: dict[str, SecretStr] = Field(default_factory=dict)


class FederationSettings(Part):
    """Issuers by whose tokens service accounts and people sign in.

    `private`: they may stand at private and loopback addresses. `secrets`: this server's own at each IdentityProvider,
    by its name.
    """

    private: bool = True
    ca_file: Path | None = None         # authorities in place of the system's own
    secrets: dict[str, SecretStr] = Field(default_factory=dict)


class LogSettings(Part):
    """What the server says on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class RetentionSettings(Part):
    """How long ended things are kept, in days. Samples grow old by fixed steps (docs/server.md)."""

    alerts: int = Field(default=365, ge=1)
    notifications: int = Field(default=90, ge=1)
    audit: int = Field(default=730, ge=0)                       # 0: for ever
    overrides: int = Field(default=365, ge=1)
    jobs: int = Field(default=30, ge=1)


class AnchorSettings(Part):
    """Where checkpoints of the audit log go, out of this server's reach. Secrets stand in files that are named here."""

    file: Path | None = None
    git: str | None = None
    branch: str = "guru-audit"
    ssh_key: Path | None = None
    known_hosts: Path | None = None
    token_file: Path | None = None
    ca_file: Path | None = None


class AuditSettings(Part):
    """When the audit log is signed, and by which keys it was signed before (base64 of the public halves)."""

    every: int = Field(default=60, ge=1, le=86_400)             # seconds
    rows: int = Field(default=1_000, ge=1)
    keys: tuple[str, ...] = ()
    anchor: AnchorSettings = AnchorSettings()


class SignerSettings(Part):
    """Where states, orders and checkpoints are signed, and how many devices an hour without a second person.

    `socket`: a signer that runs by itself, under another user; without it the server starts one of its own.
    """

    socket: Path | None = None
    user: str | None = None                                     # of a signer by itself: as whom the server runs
    commands: int = Field(default=20_000, ge=1)                 # distinct devices an hour that orders go to
    states: int = Field(default=50_000, ge=1)                   # and that states are signed for
    passphrase_file: Path | None = None                         # what opens sealed key files
    backend: Literal["file", "pkcs11"] = "file"
    module: Path | None = None                                  # PKCS#11: the library of the token
    token: str = "guru"                                         # noqa: S105 - its label
    pin_file: Path | None = None


class ConnectionSettings(Part):
    """How many HTTP connections may be open at once. WebSocket links of agents are counted apart."""

    address: int = Field(default=1_000, ge=1)                   # of one address, or of one IPv6 /64
    total: int = Field(default=20_000, ge=1)


class PaceSettings(Part):
    """So many requests at once, then so many a second; a burst of 0 is no limit."""

    burst: int = Field(ge=0, le=1_000_000)
    rate: float = Field(gt=0, le=100_000)


class LimitSettings(Part):
    """How often one person or key may ask. `actors` has other numbers for some, such as `key:ci` or `person:ada`."""

    reads: PaceSettings = PaceSettings(burst=2_000, rate=200)
    writes: PaceSettings = PaceSettings(burst=500, rate=20)
    expensive: PaceSettings = PaceSettings(burst=200, rate=5)
    actors: dict[str, dict[Literal["reads", "writes", "expensive"], PaceSettings]] = Field(default_factory=dict)


class ServerSettings(BaseSettings):
    """Everything about one server."""

    model_config = SettingsConfigDict(
        env_prefix="GURU_SERVER_", env_nested_delimiter="__", extra="forbid", frozen=True,
        nested_model_default_partial_update=True,
    )

    data: Path = Path("/var/lib/guru-server")
    database: SecretStr | None = None                           # its password is a secret
    listen: str = "0.0.0.0:8443"
    url: str | None = None
    git: GitSettings = GitSettings()
    webhooks: WebhookSettings = WebhookSettings()
    smtp: SmtpSettings = SmtpSettings()
    notify: NotifySettings = NotifySettings()
    federation: FederationSettings = FederationSettings()
    log: LogSettings = LogSettings()
    retention: RetentionSettings = RetentionSettings()
    connections: ConnectionSettings = ConnectionSettings()
    audit: AuditSettings = AuditSettings()
    signer: SignerSettings = SignerSettings()
    limits: LimitSettings = LimitSettings()
    kill_at: str | None = None                                  # fault tests: SIGKILL to itself at this stage
    stop_at: str | None = None                                  # fault tests: SIGSTOP to itself at this stage

    @field_validator("data")
    @classmethod
    def _absolute(cls, data: Path) -> Path:
        return data.expanduser().absolute()

    @field_validator("listen")
    @classmethod
    def _address(cls, listen: str) -> str:
        found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})", listen)
        if not found or int(found[2]) > 65_535:
            raise ValueError("write host:port, as 0.0.0.0:8443 or [::]:8443")
        return listen

    @field_validator("url")
    @classmethod
    def _https(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise ValueError("write https://host or https://host:port; agents and people dial this")
        _ = parts.port                                          # raises for a port that is none
        return url.rstrip("/")

    @property
    def host(self) -> str:
        """What the listener binds to."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """0 means: any free one."""
        return int(self.listen.rpartition(":")[2])

    @property
    def public_url(self) -> str:
        """What agents and people dial."""
        return self.url or f"https://{socket.gethostname()}:{self.port}"

    @property
    def database_url(self) -> str:
        """The database; a SQLite file in the data folder when none is named."""
        return self.database.get_secret_value() if self.database else f"sqlite:///{self.data / 'guru.db'}"

    @property
    def keys(self) -> Path:
        """The folder of keys."""
        return self.data / "keys"

    @property
    def signer_files(self) -> bool:
        """Whether the signer's keys are files of this server's own folder."""
        return self.signer.socket is None and self.signer.backend == "file"

    @property
    def passphrase(self) -> bytes | None:
        """What opens sealed keys: of the file that is named, or of systemd's credential."""
        credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
        return passphrase_in(self.signer.passphrase_file, Path(credentials) if credentials else None)

    @property
    def names(self) -> list[str]:
        """The host names and addresses that the TLS certificate is for."""
        host = urlsplit(self.public_url).hostname or "localhost"
        return list(dict.fromkeys([host, socket.gethostname(), "localhost", "127.0.0.1", "::1"]))


def load(file: Path | None, flags: Mapping[str, JsonValue]) -> ServerSettings:
    """The settings; InputInvalid names the field at fault. `flags` nests like the model."""
    if file is None and DEFAULT_FILE.is_file():
        file = DEFAULT_FILE
    written = _read(file) if file else {}

    class Loaded(ServerSettings):
        """The settings with their sources in order."""

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (
                InitSettingsSource(settings_cls, init_kwargs=dict(flags)),
                env_settings,
                InitSettingsSource(settings_cls, init_kwargs=written),
            )

    try:
        return Loaded()
    except ValidationError as cause:
        raise _faulty(cause) from cause
    except SettingsError as cause:
        raise InputInvalid(f"the environment does not hold settings: {cause}", hint=HINT) from cause


def _read(file: Path) -> dict[str, JsonValue]:
    try:
        with file.open("rb") as opened:
            text = opened.read(MOST + 1)
    except OSError as cause:
        raise InputInvalid(
            f"the configuration {file} cannot be read: {cause.strerror}", hint="look at --config"
        ) from cause
    if len(text) > MOST:
        raise InputInvalid(f"the configuration {file} is too large", hint=f"{MOST} bytes are the most")
    try:
        written = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as cause:
        place = getattr(cause, "problem_mark", None)
        where = f" in line {place.line + 1}" if place else ""
        raise InputInvalid(f"the configuration {file} is not YAML{where}", hint=HINT) from cause
    if not isinstance(written or {}, dict):
        raise InputInvalid(f"the configuration {file} is not a map of settings", hint=HINT)
    return written or {}


def _faulty(cause: ValidationError) -> InputInvalid:
    """The first fault with its field, and never the value: it may be a secret."""
    fault = cause.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in fault["loc"]) or "settings"
    if fault["type"] == "extra_forbidden":
        name = str(fault["loc"][-1])
        near = get_close_matches(name, _known(fault["loc"][:-1]), 1)
        hint = f"did you mean {near[0]!r}?" if near else HINT
        return InputInvalid(f"the setting {field} does not exist", hint=hint)
    return InputInvalid(f"the setting {field} is not acceptable: {fault['msg']}", hint=HINT)


def _known(path: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = ServerSettings
    for part in path:
        inner = model.model_fields[str(part)].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)
