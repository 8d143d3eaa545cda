"""Where alerts are told: a webhook or e-mail. It holds names of secrets, never a secret."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from guru_policy.kinds.base import Spec
from guru_policy.quantities import ItemId, shape

Url = Annotated[
    str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.\[\]:-]+(/[!-~]*)?$", max_length=2000), shape("URL")
]
"""An http or https address without user and password."""

ADDRESS_PATTERN = r"^[A-Za-z0-9.!#$%&*+/=?^_{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$"

Address = Annotated[str, StringConstraints(pattern=ADDRESS_PATTERN, max_length=254), shape("e-mail address")]
"""A plain e-mail address."""


class Webhook(Spec):
    """A POST of JSON; `sign` names the server-side secret for its HMAC-SHA256."""

    type: Literal["webhook"] = Field(description="what it is; each type has fields of its own")
    url: Url = Field(description="where to POST the JSON, without user and password")
    sign: ItemId | None = Field(
        default=None, description="the name of the server's secret for the HMAC-SHA256 of the body")
    send_resolved: bool = Field(default=True, description="also tell when it is over")


class Email(Spec):
    """E-mail through the server's own SMTP setting; without `from` the server's address is used."""

    type: Literal["email"] = Field(description="what it is; each type has fields of its own")
    to: Annotated[tuple[Address, ...], Field(min_length=1, max_length=50)] = Field(
        description="up to 50 addresses")
    sender: Address | None = Field(
        default=None, alias="from", description="the sender; absent: the server's own")
    send_resolved: bool = Field(default=True, description="also tell when it is over")


NotificationChannel = Webhook | Email
CHANNELS: dict[str, type[Webhook] | type[Email]] = {"webhook": Webhook, "email": Email}
