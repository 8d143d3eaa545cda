"""Transfers of files of any size, in numbered chunks: what people's programs ask of them and are told. No logic."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from guru_policy.model import Asked
from guru_wire.chunks import CHUNK as CHUNK
from guru_wire.chunks import MAX_CHUNKS as MAX_CHUNKS
from guru_wire.chunks import MAX_TRANSFER as MAX_TRANSFER
from guru_wire.chunks import Sent as Sent
from guru_wire.chunks import chunks_of as chunks_of
from guru_wire.operator import Answer


class TransferAsk(Asked):
    """Begin one. With `size` (bytes) and `sha256` its maker fills it; without either a device does."""

    size: int | None = Field(default=None, ge=0, le=MAX_TRANSFER)
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")


class Transfer(Answer):
    """One transfer. `chunks` are there, in order; `size` and `sha256` of what a device sends come once it is whole.

    `failed`: what came has another digest than was told. `expires_at` is ms UTC, and moves while it is used.
    """

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    size: int | None
    sha256: str
    chunks: int
    state: Literal["filling", "whole", "failed"]
    expires_at: int
