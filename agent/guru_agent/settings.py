"""The agent's settings: a file, the environment and flags. Read once, by main; nothing else reads them.

Plain pydantic: pydantic-settings takes 1 MB of the 48 that an agent may have, for sources it never reads.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr, ValidationError

from guru_agent.halves.frames import SOCKET
from guru_agent.logs import Format
from guru_agent.state.keys import Wanted
from guru_policy.errors import InputInvalid, NotFound

CONFIG_FILE = Path("/etc/guru/agent.yaml")
STATE_FOLDER = Path("/var/lib/guru-agent")
MOST_CONFIG = 64 << 10                  # bytes
PREFIX = "GURU_AGENT_"


class Settings(BaseModel):
    """Flags win over the environment (`GURU_AGENT_*`), which wins over the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Path = STATE_FOLDER
    root: Path | None = None            # a sandbox in front of every path that resources touch
    token: SecretStr | None = None      # to enrol; better given by --token-file or standard input
    proxy: SecretStr | None = None      # http://[user:password@]host:port; else HTTPS_PROXY
    socket: Path = SOCKET               # where the half that decides hears the half that carries
    network_user: str = "guru-agent"    # as whom the half that carries runs
    keys: Wanted = "auto"               # where the device key goes at enrolment: auto | tpm | file
    tpm: Annotated[str, Field(min_length=1, max_length=200)] = "auto"       # as systemd-creds names TPMs
    spool_mib: Annotated[int, Field(ge=1, le=4096)] = 32
    inventory: Annotated[int, Field(ge=10, le=7 * 86_400)] = 6 * 3600       # seconds between two looks at it
    log_format: Format = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


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
    written = _read(file) if file is not None else {}
    try:
        return Settings.model_validate({**written, **_environment(os.environ), **given})
    except ValidationError as cause:
        first = cause.errors(include_url=False, include_input=False, include_context=False)[0]
        name = ".".join(map(str, first["loc"]))
        known = ", ".join(sorted(Settings.model_fields))
        raise InputInvalid(f"setting {name}: {first['msg']}", hint=f"known settings: {known}") from cause


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The settings that the environment holds, by name; others with the prefix are not ours to judge."""
    names = {PREFIX + name.upper(): name for name in Settings.model_fields}
    return {names[key]: value for key, value in variables.items() if key in names}


def _read(file: Path) -> dict[str, JsonValue]:
    """What stands in the file, by name."""
    import yaml

    try:
        written = yaml.safe_load(file.read_bytes())
    except (OSError, ValueError, yaml.YAMLError) as cause:
        raise InputInvalid(f"{file} is not readable as YAML", hint=str(cause)[:200]) from cause
    if not isinstance(written or {}, dict):
        raise InputInvalid(f"{file} is not a map of settings", hint="it has lines such as `log_level: info`")
    return {str(name): value for name, value in (written or {}).items()}


def proxy_for(settings: Settings, host: str, port: int) -> str | None:
    """The proxy on the way to this host: the setting, else HTTPS_PROXY unless NO_PROXY names the host."""
    if settings.proxy is not None:
        return settings.proxy.get_secret_value() or None
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    if proxy_bypass(f"{host}:{port}"):
        return None
    return proxies.get("https") or None
