"""Where alerts are told: a webhook or e-mail. It holds names of secrets, never a secret."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from guru_policy.kinds.base import Spec
from guru_policy.quantities import ItemId

Url = Annotated[
    str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.\[\]:-]+(/[!-~]*)?$", max_length=2000)
]
"""An http or https address without user and password."""

Address = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9.!#$%&*+/=?^_{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$", max_length=254
    ),
]
"""A plain e-mail address."""


class Webhook(Spec):
    """A POST of JSON; `sign` names the server-side secret for its HMAC-SHA256."""

    type: Literal["webhook"]
    url: Url
    sign: ItemId | None = None
    send_resolved: bool = True


class Email(Spec):
    """E-mail through the server's own SMTP setting; without `from` the server's address is used."""

    type: Literal["email"]
    to: Annotated[tuple[Address, ...], Field(min_length=1, max_length=50)]
    sender: Address | None = Field(default=None, alias="from")
    send_resolved: bool = True


NotificationChannel = Webhook | Email
CHANNELS: dict[str, type[Webhook] | type[Email]] = {"webhook": Webhook, "email": Email}
