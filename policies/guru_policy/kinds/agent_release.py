"""One version of the agent: where each platform's build is, and what it must be. It fetches nothing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from guru_policy.kinds.base import Spec
from guru_policy.machine import Digest, Line
from guru_policy.quantities import Bytes, ItemId, shape

Version = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{1,5}(\.[0-9]{1,5}){2}(-[a-z0-9]+(\.[a-z0-9]+)*)?$", max_length=40),
    shape("version"),
]
"""`1.4.0`, or `1.5.0-beta.2` (semver.org, without build metadata)."""

BuildPlatform = Literal[
    "linux-x86_64", "linux-aarch64", "linux-armv7", "windows-x86_64", "windows-arm64", "macos-x86_64", "macos-arm64"
]
SecureUrl = Annotated[
    str, StringConstraints(pattern=r"^https://[A-Za-z0-9.\[\]:-]+(/[!-~]*)?$", max_length=2000), shape("https URL")
]
"""An https address without user and password."""


class Build(Spec):
    """One file to install; an agent takes no other bytes."""

    url: SecureUrl = Field(description="where it is, https only")
    sha256: Digest = Field(description="of the file, 64 hex digits")
    size: Annotated[Bytes, Field(ge=1, le=2 << 30)] = Field(description="of the file, exactly, such as 23068672")


class AgentRelease(Spec):
    """A version with its builds. It names every byte, and so never changes: a fix is a new version."""

    version: Version = Field(description="such as `1.4.0`; one AgentRelease has it")
    channel: ItemId = Field(default="stable", description="which Rollouts take it up, such as `stable` or `beta`")
    min_from: Version | None = Field(default=None, description="agents older than this are not updated in one step")
    platforms: dict[BuildPlatform, Build] = Field(min_length=1, description="the build of each platform")
    notes: Line | None = Field(default=None, description="one line about what is new")
