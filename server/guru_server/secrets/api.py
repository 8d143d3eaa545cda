"""What people ask of secrets under /api/v1: whom to encrypt them for. No value ever leaves by it."""

from __future__ import annotations

from fastapi import APIRouter

from guru_server.api.late import late_router
from guru_server.rights.declaring import needs
from guru_server.secrets.opening import Opener
from guru_wire.secrets import ServerRecipient


def router(opener: Opener) -> APIRouter:
    """The router, without authentication: the app puts it in front."""
    router = late_router(tags=["secrets"])

    @router.get("/secrets/recipient")
    @needs(None, of="oneself")
    async def recipient() -> ServerRecipient:
        """The age public key that Secrets list so that this server can bring them to devices."""
        return ServerRecipient(recipient=opener.recipient)

    return router
