"""The agent's settings: a file, the environment and flags. Read once, by main; nothing else reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from guru_agent.logs import Format
from guru_policy.errors import InputInvalid, NotFound

CONFIG_FILE = Path("/etc/guru/agent.yaml")
STATE_FOLDER = Path("/var/lib/guru-agent")
MOST_CONFIG = 64 << 10                  # bytes


class Settings(BaseSettings):
    """Flags win over the environment (`GURU_AGENT_*`), which wins over the file."""

    model_config = SettingsConfigDict(env_prefix="GURU_AGENT_", extra="forbid", frozen=True)

    state: Path = STATE_FOLDER
    root: Path | None = None            # a sandbox in front of every path that resources touch
    token: SecretStr | None = None      # to enrol; better given by --token-file or standard input
    proxy: SecretStr | None = None      # http://[user:password@]host:port; else HTTPS_PROXY
    spool_mib: Annotated[int, Field(ge=1, le=4096)] = 32
    log_format: Format = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, the environment, then the file if there is one."""
        del dotenv_settings, file_secret_settings
        file = settings_cls.model_config.get("yaml_file")
        if file is None:
            return init_settings, env_settings
        from pydantic_settings import YamlConfigSettingsSource

        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)


def load_settings(config: Path | None, flags: dict[str, Path | str | None]) -> Settings:
    """The settings. NotFound when `config` is named and absent; InputInvalid for what is wrong in them.

    `flags` that are None were not given.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    file = config or (CONFIG_FILE if CONFIG_FILE.is_file() else None)
    if file is not None and not file.is_file():
        raise NotFound(f"there is no configuration file {file}")
    if file is not None and file.stat().st_size > MOST_CONFIG:
        raise InputInvalid(f"{file} is larger than {MOST_CONFIG} bytes")
    if file is None:
        return _checked(Settings, given)
    from yaml import YAMLError

    try:
        return _checked(_from_file(file), given)
    except (OSError, ValueError, YAMLError) as cause:
        raise InputInvalid(f"{file} is not readable as YAML", hint=str(cause)[:200]) from cause


def _checked(kind: type[Settings], given: dict[str, Path | str]) -> Settings:
    try:
        return kind.model_validate(given)
    except ValidationError as cause:
        first = cause.errors(include_url=False, include_input=False, include_context=False)[0]
        name = ".".join(map(str, first["loc"]))
        known = ", ".join(sorted(Settings.model_fields))
        raise InputInvalid(f"setting {name}: {first['msg']}", hint=f"known settings: {known}") from cause


def _from_file(file: Path) -> type[Settings]:
    class FileSettings(Settings):
        """The same, and the file below everything else."""

        model_config = SettingsConfigDict(yaml_file=file)

    return FileSettings


def proxy_for(settings: Settings, host: str, port: int) -> str | None:
    """The proxy on the way to this host: the setting, else HTTPS_PROXY unless NO_PROXY names the host."""
    if settings.proxy is not None:
        return settings.proxy.get_secret_value() or None
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    if proxy_bypass(f"{host}:{port}"):
        return None
    return proxies.get("https") or None
