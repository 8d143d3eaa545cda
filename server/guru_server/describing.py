"""The API's OpenAPI document without a server: wired like one, with keys of a moment. It opens nothing."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from guru_server.bus import LocalBus
from guru_server.clock import wall
from guru_server.keys.keys import ServerKeys, Tls
from guru_server.setting_parts import GitSettings
from guru_server.settings import ServerSettings
from guru_server.signer.near import near
from guru_server.store.database import Database
from guru_server.wiring import Ground, wire_api


def document(settings: ServerSettings) -> dict[str, Any]:
    """OpenAPI 3.1."""
    described = settings.model_copy(update={"git": GitSettings(url="file:///fleet.git")})
    keys = ServerKeys(
        near(), Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate(),
        Tls(Path("tls.crt"), Path("tls.key"), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)), b"", SecretStr(""),
    )
    ground = Ground(described, Database.open("sqlite:///unused"), LocalBus(), wall)
    app, _ = wire_api(ground, keys, "https://guru.example")
    return app.openapi()
