"""The parts of the server's settings, one for a subject that gets it; `settings.py` puts them together."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from guru_policy.commit_signing import Mode, PublicKey
from guru_wire.chunks import MAX_TRANSFER


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
    inventory: int = Field(default=400, ge=1)                   # what changed
    events: int = Field(default=30, ge=1)
    deliveries: int = Field(default=14, ge=1)                   # to webhooks
    event_rows: int = Field(default=500_000, ge=1_000)          # of the newest events, at most


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
    """How often one person or key may ask. `actors` has other numbers for some, such as `key:ci` or `person:ada`.

    `all` is of everybody of the tenant together, whatever they ask.
    """

    reads: PaceSettings = PaceSettings(burst=2_000, rate=200)
    writes: PaceSettings = PaceSettings(burst=500, rate=20)
    expensive: PaceSettings = PaceSettings(burst=200, rate=5)
    all: PaceSettings = PaceSettings(burst=0, rate=1)
    actors: dict[str, dict[Literal["reads", "writes", "expensive"], PaceSettings]] = Field(default_factory=dict)


class TransferSettings(Part):
    """How large a file may be that passes between people and devices in chunks, and all of them together (bytes)."""

    largest: int = Field(default=1 << 30, ge=1, le=MAX_TRANSFER)
    all: int = Field(default=4 << 30, ge=1)


class TenantSettings(Part):
    """What a tenant beside the first has of its own: the same parts, and none is shared with another tenant."""

    git: GitSettings = GitSettings()
    webhooks: WebhookSettings = WebhookSettings()
    smtp: SmtpSettings = SmtpSettings()
    notify: NotifySettings = NotifySettings(private=False)
    federation: FederationSettings = FederationSettings(private=False)
    retention: RetentionSettings = RetentionSettings()
    audit: AuditSettings = AuditSettings()
    signer: SignerSettings | None = None                        # None: one that the server starts
    limits: LimitSettings = LimitSettings()
    transfers: TransferSettings = TransferSettings()
