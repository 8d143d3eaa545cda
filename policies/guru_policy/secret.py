"""A secret by its name, and who names one. It never holds the secret: the device opens it when it needs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, JsonValue, StringConstraints
from pydantic.alias_generators import to_camel

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.model import Frozen

SecretName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?\z")]


class SecretRef(Frozen):
    """`{secretRef: NAME}`: plans, bundles and reports hold the name and never the value."""

    model_config = ConfigDict(alias_generator=to_camel)

    secret_ref: SecretName

    async def value(self, host: Host) -> str:
        """The secret, one line of text. CannotLook when the device does not have it, or not in one line."""
        try:
            text = (await self.content(host)).decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise CannotLook(f"the secret {self.secret_ref} is not text") from None
        if not text or not text.isprintable():
            raise CannotLook(f"the secret {self.secret_ref} is not one line of text")
        return text

    async def content(self, host: Host) -> bytes:
        """The secret as it is. CannotLook when the device does not have it."""
        data = await host.secret(self.secret_ref)
        if not data:
            raise CannotLook(f"this device has no secret {self.secret_ref}")
        return data


def secrets_in(value: object) -> frozenset[str]:
    """The names of every secret that a model refers to, however deep."""
    if isinstance(value, SecretRef):
        return frozenset((value.secret_ref,))
    inner: Iterable[object] = ()
    if isinstance(value, BaseModel):
        inner = vars(value).values()
    elif isinstance(value, Mapping):
        inner = value.values()
    elif isinstance(value, tuple | list | frozenset):
        inner = value
    return frozenset(name for one in inner for name in secrets_in(one))


def named_secrets(spec: JsonValue) -> frozenset[str]:
    """The same of a spec as it stands in a bundle: every `{secretRef: NAME}` in it."""
    if isinstance(spec, dict):
        named = spec.get("secretRef")
        if len(spec) == 1 and isinstance(named, str):
            return frozenset((named,))
        return frozenset(name for one in spec.values() for name in named_secrets(one))
    return frozenset(name for one in spec for name in named_secrets(one)) if isinstance(spec, list) else frozenset()
