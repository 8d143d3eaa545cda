"""A process of its own: an OpenID provider that others wrote, behind TLS. Arguments: certificate and key."""

from __future__ import annotations

import sys
import warnings

from werkzeug.serving import make_server

warnings.simplefilter("ignore")         # of its own libraries
from oidc_provider_mock import User, app  # noqa: E402

BO = User(sub="248289761001", claims={
    "email": "bo@example.com", "email_verified": True, "tenant": "acme", "groups": ["rmm desk"]})
EVE = User(sub="66", claims={"email": "eve@example.com", "email_verified": True, "tenant": "acme"})

server = make_server("localhost", 0, app(user_claims=[BO, EVE], require_nonce=True), threaded=True,
                     ssl_context=(sys.argv[1], sys.argv[2]))
print(server.server_port, flush=True)
server.serve_forever()
