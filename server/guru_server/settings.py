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
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, Field, JsonValue, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from guru_policy.errors import InputInvalid
from guru_server.keys.opening import passphrase_in
from guru_server.setting_parts import (
    AuditSettings,
    ConnectionSettings,
    FederationSettings,
    GitSettings,
    LimitSettings,
    LogSettings,
    NotifySettings,
    RetentionSettings,
    SignerSettings,
    SmtpSettings,
    TenantSettings,
    TransferSettings,
    WebhookSettings,
)
from guru_server.store.first import TENANT
from guru_server.tenants.names import NAME

DEFAULT_FILE = Path("/etc/guru/server.yaml")
MOST = 256 * 1024
HINT = "docs/server.md lists every setting"


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
    transfers: TransferSettings = TransferSettings()
    tenants: dict[str, TenantSettings] = Field(default_factory=dict)
    kill_at: str | None = None                                  # fault tests: SIGKILL to itself at this stage
    stop_at: str | None = None                                  # fault tests: SIGSTOP to itself at this stage
    _tenant: str = PrivateAttr(default=TENANT)
    _host_keys: Path | None = PrivateAttr(default=None)

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

    def of(self, tenant: str) -> ServerSettings:
        """This server's settings as one of its tenants has them: a folder of its own, and its own parts."""
        if tenant == TENANT:
            return self
        if not NAME.fullmatch(tenant):
            raise InputInvalid(f"{tenant[:40]!r} cannot be a tenant's name", hint="guru-server tenant list")
        own = self.tenants.get(tenant, TenantSettings())
        signer = own.signer or SignerSettings(
            commands=self.signer.commands, states=self.signer.states, passphrase_file=self.signer.passphrase_file
        )
        made = self.model_copy(update={
            "data": self.data / "tenants" / tenant, "database": SecretStr(self.database_url), "tenants": {},
            "url": f"{self.public_url}/t/{tenant}", "git": own.git, "webhooks": own.webhooks, "smtp": own.smtp,
            "notify": own.notify, "federation": own.federation, "retention": own.retention, "audit": own.audit,
            "signer": signer, "limits": own.limits, "transfers": own.transfers,
        })
        made._tenant, made._host_keys = tenant, self.keys
        return made

    @property
    def tenant(self) -> str:
        """Whose settings these are."""
        return self._tenant

    @property
    def authority(self) -> Path:
        """The folder of the certificate authority, which all tenants of a server share."""
        return self._host_keys or self.keys

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
