"""The whole server and a running gateway, as their own tests have them."""

from tests.server.conftest import api, server_keys
from tests.server.gateway.conftest import extra_recorders, limits, site

__all__ = ["api", "extra_recorders", "limits", "server_keys", "site"]
