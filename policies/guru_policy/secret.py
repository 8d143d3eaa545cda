"""A secret by its name. Nothing here holds the secret itself; the device looks it up when it needs it."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, StringConstraints
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
